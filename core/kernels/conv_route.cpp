// Which code a convolution runs on: what was measured to win, unless set_conv_plan overrules.
#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_exchange.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route.hpp>
#include <tessera/core/kernels/dispatch.hpp>
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

/// Numbers of the vectors that run over so many channels, or tiles.
template <class T>
std::int64_t lanes_for(std::int64_t count) {
  return (has_wide_vectors() && !are_narrow<T>(count) ? 64 : 32) / static_cast<std::int64_t>(sizeof(T));
}

/// Rounded up to whole vectors.
double padded(std::int64_t count, std::int64_t lanes) {
  return static_cast<double>((count + lanes - 1) / lanes * lanes);
}

/// How much of its vectors so many channels or tiles fill.
template <class T>
double filled(std::int64_t count) {
  return static_cast<double>(count) / padded(count, lanes_for<T>(count));
}

/// What Winograd saves in products it spends on transforms, the more so the fewer channels a product sums or is shared
/// by. `large`: there are tiles enough. Depends on one image's geometry only, so that results do not depend on the
/// batch an image sits in.
bool winograd_pays(const ConvReading& reading, double cost, std::int64_t channels, bool large) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic && plan != ConvPlan::winograd) return false;
  const double saving = winograd_saving(reading);
  if (plan == ConvPlan::winograd) return saving > 0;
  return large && saving >= 1 + cost / static_cast<double>(channels);
}

/// Transforms of phases cost more the shorter the vectors.
bool use_winograd(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  // The weights of all phases are many: some tens of tiles must share them.
  const std::int64_t pixels = g.output.height * g.output.width;
  const double cost = g.stride == Size2D(1) || has_wide_vectors() ? 24 : 28;
  return winograd_pays(reading, cost, reading.sources(), g.stride == Size2D(1) || pixels >= 256);
}

/// Whether 3x3 taps side by side let tiles in rows be transformed many at once.
bool has_tile_rows(const ConvGeometry& g) {
  return g.kernel == Size2D(3) && g.stride == Size2D(1) && g.dilation == Size2D(1) && g.groups == 1;
}

/// Few sources are transformed by vectors over tiles of a row, and products by vectors over results: both must be full.
bool use_winograd_rows(const ConvReading& reading) {
  const std::int64_t sources = reading.sources(), results = reading.results();
  if (!has_tile_rows(reading.geometry) || sources > most_few_sources) return false;
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::winograd && results >= 8;
  const std::int64_t lanes = results <= 8 ? 8 : 16, last = results % lanes;
  return has_wide_vectors() && sources >= 2 && results >= 8 && reading.result_size().width >= 48 &&
         (last == 0 || 4 * last >= 3 * lanes || results > 2 * lanes);
}

/// How many of a kernel's rows permuted convolution's tiles share a vector of sources between: all, fewer as a stride
/// lies between them, or none, so that each product waits for a vector.
enum class Sharing : std::uint8_t { none, some, all };
Sharing row_sharing(const ConvGeometry& g) {
  const std::int64_t rows = g.kernel.height, stride = g.stride.height / std::gcd(g.stride.height, g.dilation.height);
  if (stride == 1 && (rows == 2 || rows == 3 || rows == 5)) return Sharing::all;
  return stride == 2 && (rows == 2 || rows == 3) ? Sharing::some : Sharing::none;
}

/// Products of a result pixel, of all groups, in vectors of 64 bytes.
double products(const ConvReading& reading) {
  return static_cast<double>(reading.geometry.kernel.height * reading.geometry.kernel.width * reading.sources() *
                             reading.all_results()) /
         16;
}

/// Cycles a result pixel of permuted convolution that shares all rows, as they were measured with AVX-512 and AVX2, and
/// infinitely many where it does not apply or there are no such vectors.
double permuted_cycles(const ConvReading& reading, double filled) {
  const ConvGeometry& g = reading.geometry;
  if (filled == 0 || row_sharing(g) != Sharing::all) return std::numeric_limits<double>::infinity();
  const auto sources = static_cast<double>(reading.all_sources() * g.stride.height * g.stride.width);
  return products(reading) / filled / (has_wide_vectors() ? 0.92 : 0.7) + 0.3 * sources +
         0.1 * static_cast<double>(reading.all_results());
}

/// Cycles of Winograd for 16 tiles, as they were measured with AVX-512: with vectors over channels, as in use_winograd,
/// over tiles and then over results, as in use_winograd_rows, and over tiles alone.
struct WinogradCycles {
  double over_channels, over_both, over_tiles;
};
WinogradCycles winograd_cycles(const ConvReading& reading) {
  const auto s = static_cast<double>(reading.sources()), r = static_cast<double>(reading.results());
  const std::int64_t lanes = lanes_for<float>(reading.results()), tiles = winograd_tiles(reading.result_size().width);
  const double s_padded = padded(reading.sources(), lanes), r_padded = padded(reading.results(), lanes);
  const double narrow = lanes == 16 ? 1 : 1.2, narrow_tiles = lanes_for<float>(tiles) == 16 ? 1 : 1.15;
  return {(36 * s * r_padded + 260 * s_padded + 300 * r_padded + 1500) * narrow,
          (54 * s * r_padded + 400 * s + 170 * r_padded) * narrow,
          (36 * s * r + 400 * s + 270 * r) * narrow_tiles / filled<float>(tiles)};
}

/// Vectors over tiles leave no lane empty where vectors over channels would, but sources and results go through planes.
/// Half as wide vectors take a little more than twice the cycles that were measured.
bool use_winograd_planes(const ConvReading& reading, double permuted_filled) {
  if (!has_tile_rows(reading.geometry)) return false;
  const std::int64_t sources = reading.sources(), results = reading.results();
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::winograd && results <= 20 && !use_winograd_rows(reading);
  constexpr std::int64_t most_sources = 40;  // more would leave the L2 cache between two blocks of results
  if (sources > most_sources && results > 6) return false;
  const WinogradCycles cycles = winograd_cycles(reading);
  if (1.1 * cycles.over_tiles >= (use_winograd_rows(reading) ? cycles.over_both : cycles.over_channels)) return false;
  const auto r = static_cast<double>(results);
  const double direct = 144 * static_cast<double>(sources) *
                        std::min(r / 0.75, padded(results, lanes_for<float>(results)) / 0.9) *
                        winograd_saving(reading) / 4;
  return 1.1 * cycles.over_tiles < direct && 1.15 * cycles.over_tiles < 256 * permuted_cycles(reading, permuted_filled);
}

/// Weight gradients transform sources and results alike, and sum over tiles: below some 16 an image the transforms of
/// the kernel outweigh the sums.
bool use_winograd_for_kernel(const ConvGeometry& g) {
  return winograd_pays({g, true}, 15, std::min(g.in_channels, g.out_channels), g.output.height * g.output.width >= 256);
}

/// Whether a group has one source and one result.
bool is_depthwise(const ConvGeometry& g) {
  return g.groups > 1 && g.in_channels == g.groups && g.out_channels == g.groups;
}

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

/// A vector of sources holds all that a vector of results takes of a 1x1 kernel's pixels: the more sources that are, the
/// fuller it must be.
bool use_permuted_points(const ConvReading& reading, double filled) {
  const auto sources = static_cast<double>(reading.sources());
  const std::int64_t results = reading.all_results();
  if (sources > 8) return false;
  if (reading.geometry.groups > 1 && reading.geometry.stride == Size2D(1))
    return filled >= 0.5 || (sources <= 5 && filled >= 0.3);
  if (reading.source_size() == reading.result_size())
    return (results % 16 != 0 || sources <= 4) && filled > 0.38 + 0.03 * sources;
  // A stride's rows are computed one by one, and short then. Others gather few results' sources one by one.
  return results <= 4 ? sources > 1 && filled >= 0.25 : results <= 8 && sources > 2 && filled > 0.5;
}

/// Of depthwise convolution vectors over a pixel's channels are the better ones where these fill them, or where a stride
/// lets rows share less.
bool use_permuted_depthwise(const ConvGeometry& g) {
  const std::int64_t channels = g.in_channels, lanes = has_wide_vectors() ? 16 : 8;
  if (row_sharing(g) == Sharing::all) return channels <= 16 || channels % lanes != 0;
  return row_sharing(g) == Sharing::some && channels <= 12;
}

/// How full permuted convolution's vectors would be where it may win.
double filled_permuted(const ConvReading& reading) {
  constexpr std::int64_t most_sources = 20, most_results = 160;
  const bool few = reading.sources() <= most_sources && reading.all_results() <= most_results;
  const ConvPlan plan = chosen_plan;
  const bool may_win = plan == ConvPlan::automatic && few && has_long_vectors();
  return may_win || plan == ConvPlan::permuted ? permuted_filled(reading) : 0;
}

/// Vectors over pixels and channels alike are full, and need no planes.
bool use_permuted(const ConvReading& reading, double filled) {
  if (filled == 0) return false;
  if (chosen_plan != ConvPlan::automatic) return true;
  const ConvGeometry& g = reading.geometry;
  const std::int64_t sources = reading.sources(), results = reading.results();
  if (g.kernel == Size2D(1)) return use_permuted_points(reading, filled);
  if (is_depthwise(g)) return use_permuted_depthwise(g);
  if (row_sharing(g) == Sharing::none) return false;
  if (row_sharing(g) == Sharing::some) {
    if (g.groups > 1) return sources <= (g.groups > 4 ? 6 : 3);
    return has_wide_vectors() && results <= 10 && (sources <= 2 || (sources == 3 && results > 3));
  }
  const std::int64_t lanes = lanes_for<float>(results);
  if (g.groups == 1 && results % lanes == 0 && results % 16 == 0) return false;
  const double all = products(reading), few = results <= 8 ? 0.75 : 0.93;
  const double width = static_cast<double>(reading.result_size().width);
  const double planar = all / 0.95 * padded(reading.result_size().width, 8) / width +
                        0.6 * static_cast<double>(reading.all_sources()) +
                        0.55 * static_cast<double>(reading.all_results()) +
                        (g.groups > 1 ? 6.0 * static_cast<double>(g.groups) : 0);
  const double direct = all / few * padded(results, lanes) / static_cast<double>(results) +
                        40.0 * static_cast<double>(g.groups) / static_cast<double>(results);
  double others = results <= 10 ? std::min(planar, direct) : direct;
  if (use_winograd_rows(reading)) others = std::min(others, winograd_cycles(reading).over_both / 256);
  if (use_winograd(reading))
    others = std::min(others, winograd_cycles(reading).over_channels / 64 / winograd_saving(reading));
  return 1.05 * permuted_cycles(reading, filled) < others;
}

/// Vectors over what a result is summed from pay where that is much, or where planes would be dear: their rows short,
/// or in phases.
bool use_dots(const ConvReading& reading) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::dots;
  const ConvGeometry& g = reading.geometry;
  const bool dense = g.stride == Size2D(1);
  const std::int64_t sources = reading.sources(), run = tap_runs(reading).length;
  const bool large = g.kernel.height * g.kernel.width > 9;  // too large for Winograd
  if (reading.results() > (dense && !large ? 4 : 12) || g.groups > 1 || !(reading.forward || dense)) return false;
  const bool many_sums = reading.results() <= 6 || has_wide_vectors();  // fit the registers
  if (reading.results() > 4) return dense ? large && run >= 96 && many_sums : run >= 64;
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

/// How much of the vectors over filters, or over sources where these fill them better, a kernel's gradient fills.
double filled_for_kernel(const ConvGeometry& g) {
  return std::max(filled<float>(g.in_channels / g.groups), filled<float>(g.out_channels / g.groups));
}

/// As use_permuted_depthwise: their gradients run along rows, too, but with fewer loads.
bool use_permuted_depthwise_for_kernel(const ConvGeometry& g) {
  const bool wide = has_wide_vectors();
  if (row_sharing(g) == Sharing::some) return g.in_channels <= 12;
  return row_sharing(g) == Sharing::all && (g.kernel.height == 5 ? wide && g.in_channels <= 64 : g.in_channels <= 16);
}

/// Vectors over pixels and channels alike are full, as in use_permuted: for few sources, and few or small groups.
bool use_permuted_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = chosen_plan;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::permuted && permuted_kernel_filled(g) > 0;
  const std::int64_t sources = g.in_channels / g.groups, filters = g.out_channels / g.groups;
  const bool wide = has_wide_vectors(), pointwise = g.kernel == Size2D(1);
  if (!has_long_vectors() || sources > 12) return false;
  const double share = permuted_kernel_filled(g);
  const Sharing sharing = row_sharing(g);
  if (share == 0) return false;
  if (is_depthwise(g)) return use_permuted_depthwise_for_kernel(g);
  const std::int64_t lanes = wide ? 16 : 8;
  const bool fills = filters % lanes == 0 || filters == 8;
  if (g.groups > 1) {
    if (!wide && (sources > 6 || share < 0.6 || (fills && sources > 2))) return false;
    return share >= 0.5 && (sharing != Sharing::none || pointwise);
  }
  if (fills) return share == 1 && g.dilation != Size2D(1) && sources <= 2;
  if (pointwise) return sources <= 5 || (filters <= 7 && sources <= (g.stride == Size2D(1) ? 7 : 10));
  if (share < 0.5 || sharing == Sharing::none) return false;
  if (sharing == Sharing::some) return sources <= 2 || (sources == 3 && filters <= 10);
  if (sources <= 4) return true;
  if (filters <= 4 || g.kernel.height > 3) return wide && share > 0.7 && share > 0.9 * filled_for_kernel(g);
  return wide && sources <= 6 && filters <= 12 && share > 0.7;  // Winograd gains more from many
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
  const double filled = f32 ? filled_permuted(reading) : 0;
  if (f32 && use_winograd_planes(reading, filled)) return ConvRoute::winograd_planes;
  if (f32 && use_permuted(reading, filled)) return ConvRoute::permuted;
  if (use_flat(reading)) return ConvRoute::flat;
  if (f32 && use_dots(reading)) return ConvRoute::dots;
  if (f32 && use_winograd_rows(reading)) return ConvRoute::winograd_rows;
  if (use_planar(reading)) return ConvRoute::planar;
  return f32 && use_winograd(reading) ? ConvRoute::winograd : ConvRoute::direct;
}

template <class T>
KernelRoute kernel_route(const ConvGeometry& g) {
  if (std::is_same_v<T, float> && use_permuted_for_kernel(g)) return {ConvRoute::permuted, false};
  if (use_flat_for_kernel(g)) return {ConvRoute::flat, false};
  if (use_planar_for_kernel(g)) return {ConvRoute::planar, false};
  const bool exchange = use_exchange_for_kernel<T>(g);
  const bool winograd = std::is_same_v<T, float> && use_winograd_for_kernel(exchange ? exchanged(g) : g);
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
