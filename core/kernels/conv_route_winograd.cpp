// Where Winograd wins, by what was measured.
#include <algorithm>
#include <limits>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route_winograd.hpp>
#include <tessera/core/kernels/vector_fill.hpp>
#include <tessera/core/kernels/winograd_saving.hpp>

namespace tessera::kernels {
namespace {

/// Of Winograd's time in that of direct convolution, what the transforms of sources and of results take, were there one
/// of the others' channels to share them.
struct TransformCosts {
  double sources, results;
};
/// As they were measured of the parts of many taps, and of a stride's phases. Back through a stride all phases share
/// the sources' transforms, for the kernel's gradient those of the output's gradients.
TransformCosts pass_costs(const ConvReading& reading) {
  if (reading.geometry.stride == Size2D(1))
    return has_wide_vectors() ? TransformCosts{3.5, 3.5} : TransformCosts{3.5, 4};
  if (reading.forward) return has_wide_vectors() ? TransformCosts{3.5, 3.5} : TransformCosts{8, 3.5};
  return has_wide_vectors() ? TransformCosts{0.8, 4.7} : TransformCosts{1.2, 7};
}
TransformCosts pass_costs_for_kernel(const ConvGeometry& g) {
  if (has_wide_vectors()) return {4.5, 2};
  return g.stride == Size2D(1) ? TransformCosts{5, 4} : TransformCosts{7.8, 3.2};
}

/// Whether Winograd applies and, unless it is asked for, `pays(saving)`. Depends on one image's geometry only, so that
/// results do not depend on the batch an image sits in.
template <class Pays>
bool use_winograd_if(const ConvReading& reading, const Pays& pays) {
  const ConvPlan plan = conv_plan();
  if (plan != ConvPlan::automatic && plan != ConvPlan::winograd) return false;
  const double saving = winograd_saving(reading);
  return saving > 0 && (plan == ConvPlan::winograd || pays(saving));
}

/// Whether Winograd has several passes.
bool has_passes(const ConvGeometry& g) { return g.stride != Size2D(1) || g.kernel.height > 3 || g.kernel.width > 3; }

/// The time of Winograd by passes in that of direct convolution.
double share_by_passes(const ConvReading& reading, const TransformCosts& costs, double saving) {
  const auto sources = static_cast<double>(reading.sources()), results = static_cast<double>(reading.results());
  const Size2D kernel = reading.geometry.kernel, stride = reading.geometry.stride;
  // Where each phase of a stride has several taps these share the transforms; nine passes have more of them.
  const bool shares = stride != Size2D(1) && kernel.height >= 2 * stride.height && kernel.width >= 2 * stride.width;
  const double many = kernel.height * kernel.width > 25 * stride.height * stride.width ? 1.3 : 1;
  return 1 / saving + (shares ? 0.6 : many) * (costs.sources / results + costs.results / sources);
}
/// The weights of all passes are many: some tens of tiles must share them, more of nine passes.
bool has_tiles_for_weights(const ConvGeometry& g) {
  return g.output.height * g.output.width * 25 >= 256 * std::max<std::int64_t>(g.kernel.height * g.kernel.width, 25);
}

bool pays_by_passes(const ConvReading& reading, const TransformCosts& costs, double saving) {
  return share_by_passes(reading, costs, saving) < 0.95;
}

/// Whether Winograd of a single pass pays: the more products are saved the fewer channels need share the transforms.
bool pays_dense(double cost, std::int64_t channels, double saving) {
  return saving >= 1 + cost / static_cast<double>(channels);
}

/// Whether a strip's rows or a row's tiles lie side by side.
bool is_dense(const ConvGeometry& g) { return g.stride == Size2D(1) && g.dilation == Size2D(1) && g.groups == 1; }

/// Whether Winograd along columns alone applies.
bool has_columns(const ConvReading& reading) {
  return is_dense(reading.geometry) && reading.geometry.kernel.height >= 3 && reading.sources() <= most_few_sources &&
         reading.results() >= least_column_results &&
         reading.sources() * reading.geometry.kernel.width <= most_row_sources;
}

/// Cycles of Winograd for 16 tiles of 3x3 taps, as they were measured with AVX-512: with vectors over channels, as in
/// use_winograd, and over tiles. Half as wide vectors take a little more than twice as many.
struct MeasuredCycles {
  double over_channels, over_tiles;
};
MeasuredCycles measured_cycles(const ConvReading& reading) {
  const auto s = static_cast<double>(reading.sources()), r = static_cast<double>(reading.results());
  const std::int64_t lanes = lanes_for<float>(reading.results()), tiles = winograd_tiles(reading.result_size().width);
  const double s_padded = padded(reading.sources(), lanes), r_padded = padded(reading.results(), lanes);
  const double narrow = lanes == 16 ? 1 : 1.2, narrow_tiles = lanes_for<float>(tiles) == 16 ? 1 : 1.15;
  return {(36 * s * r_padded + 260 * s_padded + 300 * r_padded + 1500) * narrow,
          (36 * s * r + 400 * s + 270 * r) * narrow_tiles / filled<float>(tiles)};
}

/// Cycles a result pixel with vectors over channels.
double channels_cycles(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  const double saving = winograd_saving(reading);
  if (!has_passes(g)) return measured_cycles(reading).over_channels / 64 / saving;
  const double results = padded(reading.results(), lanes_for<float>(reading.results()));
  return static_cast<double>(g.kernel.height * g.kernel.width * reading.sources()) * results / 16 / 0.93 *
         share_by_passes(reading, pass_costs(reading), saving);
}

/// Lanes of AVX-512's vectors that so many results leave empty.
std::int64_t empty_lanes(std::int64_t results) { return (16 - results % 16) % 16; }

/// Cycles for 256 result pixels along columns alone, infinitely many where it does not apply.
double columns_cycles(const ConvReading& reading) {
  const Size2D size = reading.result_size();
  if (!has_columns(reading) || !has_long_vectors() || size.width < winograd_tile)
    return std::numeric_limits<double>::infinity();
  const std::int64_t results = reading.results();
  const bool wide = has_wide_vectors() && !is_narrow<float>(results);
  const Size2D kernel = reading.geometry.kernel;
  // Of many taps planes repay themselves, and fill their vectors.
  if (results > 8 && (wide ? kernel.height > 3 && empty_lanes(results) > 8 : results % 8 != 0))
    return std::numeric_limits<double>::infinity();
  const auto s = static_cast<double>(reading.sources()), parts = static_cast<double>((kernel.height + 2) / 3),
             taps = parts * static_cast<double>(kernel.width);
  const double r = padded(results, wide ? 16 : 8);
  const double cycles =
      wide ? 24 * taps * s * r + 47 * r + 110 * s * parts : 39 * taps * s * r + 90 * r + 200 * s * parts;
  const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
  const double a_strip = 64 * 300 / width;
  return (cycles * padded(size.width, winograd_tile) / width + a_strip) * padded(size.height, winograd_tile) / height;
}

}  // namespace

bool use_winograd(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  return use_winograd_if(reading, [&](double saving) {
    if (!has_passes(g)) return pays_dense(24, reading.sources(), saving);
    return has_tiles_for_weights(g) && pays_by_passes(reading, pass_costs(reading), saving);
  });
}

bool use_winograd_columns(const ConvReading& reading, double other) {
  const ConvPlan plan = conv_plan();
  if (plan != ConvPlan::automatic) return plan == ConvPlan::winograd && has_columns(reading);
  const double cycles = columns_cycles(reading) / 256;
  return cycles < other && (!use_winograd(reading) || cycles < channels_cycles(reading));
}

bool use_winograd_columns_for_kernel(const ConvGeometry& g, bool exchanged) {
  const ConvReading reading{g, true};
  const ConvPlan plan = conv_plan();
  if (!has_columns(reading)) return false;
  if (plan != ConvPlan::automatic) return plan == ConvPlan::winograd;
  const std::int64_t sources = reading.sources(), filters = reading.results();
  const std::int64_t least_pixels = filters > 8 && sources >= 3 ? 256 : 400;
  if (!has_long_vectors() || g.output.height * g.output.width < least_pixels) return false;
  if (has_wide_vectors() && filters > 8) {
    if (g.kernel.height > 3 && empty_lanes(filters) > 8) return false;
    const double share = static_cast<double>(filters) / padded(filters, 16);
    return sources == 1 ? share == 1 : sources <= 6 || share >= 0.85;
  }
  if (filters == 8) return sources <= 6 && g.kernel.height != 4;  // as many products as of 6 rows
  // Permuted, these fill their vectors, but not so few to the other side.
  if (filters < 8 && exchanged && sources <= 4) return sources <= 2 || filters >= 6;
  if (has_wide_vectors()) return false;
  if (filters < 8) return sources <= 6 && sources >= (filters == 7 ? 2 : 4);
  // Direct convolution's tiles take two vectors of filters: a third one leaves them half empty.
  return filters >= 16 && filters <= 24 && sources <= 4 && (sources >= 2 || filters == 24);
}

bool use_winograd_planes(const ConvReading& reading, double permuted) {
  if (!is_dense(reading.geometry) || reading.geometry.kernel != Size2D(3)) return false;
  const std::int64_t sources = reading.sources(), results = reading.results();
  const ConvPlan plan = conv_plan();
  if (plan != ConvPlan::automatic)
    return plan == ConvPlan::winograd && results <= 20 && !use_winograd_columns(reading, 0);
  constexpr std::int64_t most_sources = 40;  // more would leave the L2 cache between two blocks of results
  if (sources > most_sources && results > 6) return false;
  const MeasuredCycles cycles = measured_cycles(reading);
  if (1.1 * cycles.over_tiles >= cycles.over_channels || 1.05 * cycles.over_tiles >= columns_cycles(reading))
    return false;
  const auto r = static_cast<double>(results);
  const double direct = 144 * static_cast<double>(sources) *
                        std::min(r / 0.75, padded(results, lanes_for<float>(results)) / 0.9) *
                        winograd_saving(reading) / 4;
  // Long rows of tiles leave the L1 cache between two rows of points.
  const double longer = reading.result_size().width <= 128 ? 1.05 : 1.25;
  return 1.1 * cycles.over_tiles < direct && longer * cycles.over_tiles < 256 * permuted;
}

double winograd_cycles(const ConvReading& reading) {
  const double cycles = columns_cycles(reading) / 256;
  return use_winograd(reading) ? std::min(cycles, channels_cycles(reading)) : cycles;
}

/// Below some 16 tiles an image the transforms of the kernel outweigh the sums.
bool use_winograd_for_kernel(const ConvGeometry& g) {
  const ConvReading reading{g, true};
  return use_winograd_if(reading, [&](double saving) {
    if (!has_tiles_for_weights(g)) return false;
    return has_passes(g) ? pays_by_passes(reading, pass_costs_for_kernel(g), saving)
                         : pays_dense(15, std::min(g.in_channels, g.out_channels), saving);
  });
}

}  // namespace tessera::kernels
