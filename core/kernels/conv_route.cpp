// Which code a convolution runs on: what was measured to win, unless set_conv_plan overrules.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_exchange.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route.hpp>
#include <tessera/core/kernels/conv_route_permuted.hpp>
#include <tessera/core/kernels/conv_route_winograd.hpp>
#include <tessera/core/kernels/vector_fill.hpp>
#include <tessera/core/kernels/winograd_saving.hpp>
#include <type_traits>

namespace tessera {
namespace {

std::atomic<ConvPlan> chosen_plan{ConvPlan::automatic};

}  // namespace

void set_conv_plan(ConvPlan plan) { chosen_plan = plan; }
ConvPlan conv_plan() { return chosen_plan; }

namespace kernels {
namespace {

/// Depthwise, no other plan comes near flat's rates for the kernel's gradient.
bool use_flat_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  return plan == ConvPlan::automatic ? is_depthwise(g) : plan == ConvPlan::flat;
}

/// Back through a stride none does either where a group's channel has several filters.
bool use_flat(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  const bool back = !reading.forward && g.stride != Size2D(1) && g.groups > 1 && g.in_channels == g.groups;
  return use_flat_for_kernel(g) || (back && chosen_plan == ConvPlan::automatic);
}

/// An axis of sources is split into so many phases before results side by side find theirs side by side; not every one
/// has a tap.
std::int64_t phases(std::int64_t stride, std::int64_t dilation) { return stride / std::gcd(stride, dilation); }

/// Whether vectors over pixels, which are full, save more than putting sources into planes and results back costs, in
/// cycles a result pixel as they were measured.
bool planar_pays(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  const auto sources = static_cast<double>(reading.sources()), results = static_cast<double>(reading.results());
  const std::int64_t lanes = lanes_for<float>(reading.results());
  const double empty = static_cast<double>((lanes - reading.results() % lanes) % lanes);
  double taps = static_cast<double>(g.kernel.height * g.kernel.width), pixels = 1;
  if (reading.forward) {
    pixels = static_cast<double>(std::min(phases(g.stride.height, g.dilation.height), g.kernel.height) *
                                 std::min(phases(g.stride.width, g.dilation.width), g.kernel.width));
  } else {
    pixels /= static_cast<double>(g.stride.height * g.stride.width);
    taps *= pixels;
  }
  return taps * sources * empty / 12 > 0.3 * sources * pixels + 0.2 * results;
}

/// Whether some of the phases that a stride splits sources into have more than one tap.
bool has_long_phases(const ConvGeometry& g) {
  return g.kernel.height > phases(g.stride.height, g.dilation.height) &&
         g.kernel.width > phases(g.stride.width, g.dilation.width);
}

/// Whether a stride's phases repay their planes.
bool phases_pay(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  if (!reading.forward || g.stride == Size2D(1)) return true;
  if (reading.results() > 4) return has_long_phases(g);
  const std::int64_t sources = g.output.width >= 64 ? 2 : 3;
  return g.kernel.height * g.kernel.width > 9 || (reading.sources() >= sources && has_long_phases(g));
}

/// Few results leave vectors over channels mostly empty; with groups direct convolution has to gather each group's
/// sources besides.
bool use_planar(const ConvReading& reading) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::planar;
  const std::int64_t results = reading.results();
  if (reading.geometry.groups > 1) return results <= 10;
  if (!phases_pay(reading)) return false;
  if (results <= 4) return true;
  const bool long_rows = reading.result_size().width >= 32 * (reading.forward ? 1 : reading.geometry.stride.width);
  const bool pointwise = reading.geometry.kernel == Size2D(1);  // reads sources anew for every few results
  if (pointwise || !(results <= 10 || long_rows) || !planar_pays(reading)) return false;
  // Winograd gains as much less as it leaves lanes empty.
  return !use_winograd(reading) || winograd_saving(reading) * static_cast<double>(results) <= 18;
}

/// Vectors over what a result is summed from pay where that is much, or where planes would be dear: their rows short,
/// or in phases.
bool use_dots(const ConvReading& reading) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::dots;
  const ConvGeometry& g = reading.geometry;
  const bool dense = g.stride == Size2D(1);
  const std::int64_t sources = reading.sources(), run = tap_runs(reading).length;
  const bool large = g.kernel.height * g.kernel.width > 9;  // enough to add up
  if (reading.results() > (dense && !large ? 4 : 12) || g.groups > 1 || !(reading.forward || dense)) return false;
  const bool many_sums = reading.results() <= 6 || has_wide_vectors();  // fit the registers
  if (reading.results() > 4) return dense ? large && run >= 96 && many_sums && !use_winograd(reading) : run >= 64;
  if (dense && g.kernel == Size2D(1)) return sources >= 32;
  if (dense && reading.result_size().width > 16) return sources >= 16 || (run >= 48 && g.kernel.height < 5);
  const bool planes = !dense && has_long_phases(g) && g.output.width >= 64;
  return run >= (dense ? 24 : 12) || (!dense && !planes && (reading.results() == 1 || sources >= 3));
}

/// Vectors over 7 or 8 filters are full enough; beside a side of up to 4 channels, those over up to 10 others are not.
/// Many phases of columns make the planes' rows short and their loading dear; a stride keeps vectors from running over
/// the input's channels instead.
bool use_planar_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::planar;
  const std::int64_t sources = g.in_channels / g.groups, filters = g.out_channels / g.groups;
  const auto [narrow, wide] = std::minmax({sources, filters});
  if (g.groups == 1 && g.stride != Size2D(1)) {
    if (filters <= 4) return sources > 10 || (sources > 1 && has_long_phases(g));
    if (sources <= 2 || (!has_long_phases(g) && g.kernel != Size2D(1))) return false;
  }
  if (wide > 10 || filters == 8) return false;
  return g.groups > 1 ? filters != 7 : narrow <= 4 && phases(g.stride.width, g.dilation.width) <= 2;
}

/// Vectors run over filters, which are few in a network's head: then they rather run over the channels before them.
template <class T>
bool use_exchange_for_kernel(const ConvGeometry& g) {
  return chosen_plan == ConvPlan::automatic && can_exchange(g) &&
         filled<T>(g.in_channels) > 1.1 * filled<T>(g.out_channels);
}

}  // namespace

template <class T>
ConvRoute conv_route(const ConvReading& reading) {
  constexpr bool f32 = std::is_same_v<T, float>;
  const RowLanes lanes = f32 ? lanes_if_permuted(reading) : RowLanes{};
  const double permuted = permuted_cycles(reading, lanes);
  if (f32 && use_winograd_planes(reading, permuted)) return ConvRoute::winograd_planes;
  if (f32 && use_permuted(reading, lanes, permuted)) return ConvRoute::permuted;
  if (use_flat(reading)) return ConvRoute::flat;
  if (f32 && use_dots(reading)) return ConvRoute::dots;
  if (f32 && use_winograd_columns(reading, other_cycles(reading))) return ConvRoute::winograd_columns;
  if (use_planar(reading)) return ConvRoute::planar;
  return f32 && use_winograd(reading) ? ConvRoute::winograd : ConvRoute::direct;
}

template <class T>
KernelRoute kernel_route(const ConvGeometry& g) {
  constexpr bool f32 = std::is_same_v<T, float>;
  if (f32 && use_winograd_columns_for_kernel(g, false)) return {ConvRoute::winograd_columns, false};
  if (f32 && chosen_plan == ConvPlan::automatic && can_exchange(g) &&
      use_winograd_columns_for_kernel(exchanged(g), true))
    return {ConvRoute::winograd_columns, true};
  if (f32 && use_permuted_for_kernel(g)) return {ConvRoute::permuted, false};
  if (use_flat_for_kernel(g)) return {ConvRoute::flat, false};
  if (use_planar_for_kernel(g)) return {ConvRoute::planar, false};
  const bool exchange = use_exchange_for_kernel<T>(g);
  const bool winograd = f32 && use_winograd_for_kernel(exchange ? exchanged(g) : g);
  return {winograd ? ConvRoute::winograd : ConvRoute::direct, exchange};
}

bool joins_groups(const ConvGeometry& g) {
  const std::int64_t narrow = std::min(g.in_channels, g.out_channels) / g.groups;
  return chosen_plan == ConvPlan::automatic && g.kernel == Size2D(1) && g.stride == Size2D(1) && g.groups > 1 &&
         g.groups <= 4 && narrow <= 4 && !use_permuted_for_kernel(g);
}

template ConvRoute conv_route<float>(const ConvReading&);
template ConvRoute conv_route<double>(const ConvReading&);
template KernelRoute kernel_route<float>(const ConvGeometry&);
template KernelRoute kernel_route<double>(const ConvGeometry&);

}  // namespace kernels
}  // namespace tessera
