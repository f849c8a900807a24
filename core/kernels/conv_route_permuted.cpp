// Where permuted convolution wins, by what was measured.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route_permuted.hpp>
#include <tessera/core/kernels/conv_route_winograd.hpp>
#include <tessera/core/kernels/vector_fill.hpp>

namespace tessera::kernels {
namespace {

TileRowSteps row_steps(const ConvGeometry& g) { return TileRowSteps(forward_pass(g).rows); }

/// How many of a kernel's rows permuted convolution's tiles share a vector of sources between: all, fewer as a stride
/// lies between them, or none, so that each product waits for a vector.
enum class Sharing : std::uint8_t { none, some, all };
Sharing row_sharing(const ConvGeometry& g) {
  const TileRowSteps steps = row_steps(g);
  if (steps.taps == 1) return Sharing::none;
  return steps.stride == 1 ? Sharing::all : Sharing::some;
}

/// Products of a result pixel, of all groups, in vectors of 64 bytes.
double products(const ConvReading& reading) {
  return static_cast<double>(reading.geometry.kernel.height * reading.geometry.kernel.width * reading.sources() *
                             reading.all_results()) /
         16;
}

/// A vector of sources holds all that a vector of results takes of a 1x1 kernel's pixels: the more sources that are,
/// the fuller it must be.
bool use_permuted_points(const ConvReading& reading, double filled) {
  const auto sources = static_cast<double>(reading.sources());
  const std::int64_t results = reading.all_results();
  if (sources > 8) return false;
  if (reading.geometry.groups > 1 && reading.geometry.stride == Size2D(1))
    return filled >= 0.5 || (sources <= 5 && filled >= 0.3);
  if (reading.source_size() == reading.result_size())
    return (results % 16 != 0 || sources <= 4) && filled > 0.38 + 0.03 * sources;
  // A stride's rows are computed one by one, and short then. Others gather few results' sources one by one.
  if (results <= 4) return sources > 1 && sources <= (results <= 2 ? 5 : 8) && filled >= 0.25;
  return results <= 8 && sources > 2 && sources <= 6 && filled > 0.5;
}

/// Of depthwise convolution vectors over a pixel's channels are the better ones where these fill them, or where a
/// stride lets rows share less.
bool use_permuted_depthwise(const ConvGeometry& g) {
  const std::int64_t channels = g.in_channels, lanes = has_wide_vectors() ? 16 : 8;
  if (row_sharing(g) == Sharing::all) return channels <= 16 || channels % lanes != 0;
  return row_sharing(g) == Sharing::some && channels <= 12;
}

/// Where a stride lies between the rows of a tile.
bool use_permuted_rows_apart(const ConvReading& reading) {
  const std::int64_t sources = reading.sources(), results = reading.results(), groups = reading.geometry.groups;
  if (groups > 1) return sources <= (groups > 4 ? 6 : 3);
  if (results > 10 || (!has_wide_vectors() && results == 8)) return false;
  return sources <= 2 || (sources == 3 && results > 3 && (results <= 5 || results > 8));
}

/// Back through a stride: few channels, as others store each phase of a row by itself. Where some of a stride's pixels
/// have fewer taps than others, lanes multiply by zeros; of a single tap little is computed between loads and stores.
bool has_channels_for_back(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  const bool wide = has_wide_vectors();
  const std::int64_t sources = reading.sources(), results = reading.results();
  if (is_depthwise(g)) return g.groups <= (wide ? 64 : 20);
  if (g.groups > 1) return sources <= (wide ? 8 : 6);
  if (results % (wide ? 16 : 8) == 0) return false;
  if (g.kernel.width < g.stride.width) return sources <= (wide && results != 8 ? 5 : 1);
  if (g.kernel.width % g.stride.width != 0) return sources <= (wide ? 8 : 3);
  if (!wide) return sources <= (results == 1 ? 16 : 6) && results != 4;
  return g.kernel.width > g.stride.width || g.stride.width > 2 || sources <= 12;
}

/// Vectors are not too empty, and weights stay in the L1 cache.
bool use_permuted_back(const ConvReading& reading, const RowLanes& row) {
  const ConvGeometry& g = reading.geometry;
  const std::int64_t taps = g.kernel.height * ((g.kernel.width + g.stride.width - 1) / g.stride.width);
  // Depthwise, others fill their vectors in long rows.
  const double least = is_depthwise(g) && g.input.width > 256 ? 0.7 : 0.3;
  return row.filled(g.input.width) >= least && taps * reading.sources() * row.phases * row.lanes <= 16 * 1024;
}

/// How much of the vectors over filters, or over sources where these fill them better, a kernel's gradient fills.
double filled_for_kernel(const ConvGeometry& g) {
  return std::max(filled<float>(g.in_channels / g.groups), filled<float>(g.out_channels / g.groups));
}

/// As use_permuted_depthwise: their gradients run along rows, too, but with fewer loads.
bool use_permuted_depthwise_for_kernel(const ConvGeometry& g) {
  if (row_sharing(g) == Sharing::some) return g.in_channels <= 12;
  return row_sharing(g) == Sharing::all && (has_wide_vectors() || (g.kernel.height != 5 && g.in_channels <= 16));
}

}  // namespace

RowLanes lanes_if_permuted(const ConvReading& reading) {
  constexpr std::int64_t most_sources = 20, most_results = 160;
  const bool few = reading.sources() <= most_sources && reading.all_results() <= most_results;
  const ConvPlan plan = conv_plan();
  const bool may_win = plan == ConvPlan::automatic && few && has_long_vectors() &&
                       (!reads_phases(reading) || has_channels_for_back(reading));
  return may_win || plan == ConvPlan::permuted ? permuted_lanes(reading) : RowLanes{};
}

double permuted_cycles(const ConvReading& reading, const RowLanes& lanes) {
  const ConvGeometry& g = reading.geometry;
  if (lanes.used == 0 || reads_phases(reading) || row_sharing(g) != Sharing::all)
    return std::numeric_limits<double>::infinity();
  const auto sources = static_cast<double>(reading.all_sources()), block = static_cast<double>(lanes.block);
  double copies = 0.3 * sources;
  if (lanes.block < reading.all_sources()) {
    // Many blocks are dear where few taps or results repay them.
    if (g.kernel.height < 5 && (reading.all_sources() > 12 || reading.results() == 2 || reading.results() == 3))
      return std::numeric_limits<double>::infinity();
    copies = lanes.block == 1 ? 0.7 * sources : 1.6 * std::ceil(sources / block);
  }
  // Tiles of few rows load more vectors for each product.
  const std::int64_t between = row_steps(g).between;
  const std::int64_t height = reading.result_size().height, tiles = (height + 12 * between - 1) / (12 * between);
  const auto taps = static_cast<double>(g.kernel.height);
  const double rows = static_cast<double>(height) / static_cast<double>(tiles * between);
  const double waits = std::max((2 * (rows + taps - 1) + taps) / (taps * rows), 1.0);
  return waits * products(reading) / lanes.filled(reading.result_size().width) / (has_wide_vectors() ? 0.92 : 0.7) +
         copies * static_cast<double>(g.stride.height * g.stride.width) +
         0.1 * static_cast<double>(reading.all_results());
}

double other_cycles(const ConvReading& reading) {
  const std::int64_t results = reading.results();
  const auto groups = static_cast<double>(reading.geometry.groups), r = static_cast<double>(results);
  const double all = products(reading), width = static_cast<double>(reading.result_size().width);
  const double direct =
      all / (results <= 8 ? 0.75 : 0.93) * padded(results, lanes_for<float>(results)) / r + 40 * groups / r;
  if (results > 10) return direct;
  // A single result waits for a load for each product.
  const double planar = all / (results == 1 ? 0.6 : 0.95) * padded(reading.result_size().width, 8) / width +
                        0.6 * static_cast<double>(reading.all_sources()) + 0.55 * r * groups +
                        (groups > 1 ? 6 * groups : 0) + (width < 32 ? 250 / width : 0);
  return std::min(direct, planar);
}

/// Vectors over pixels and channels alike are full, and need no planes.
bool use_permuted(const ConvReading& reading, const RowLanes& row, double cycles) {
  if (row.used == 0) return false;
  if (conv_plan() != ConvPlan::automatic) return true;
  if (reads_phases(reading)) return use_permuted_back(reading, row);
  const ConvGeometry& g = reading.geometry;
  const std::int64_t sources = reading.sources(), results = reading.results();
  const double filled = row.filled(reading.result_size().width);
  const Sharing sharing = row_sharing(g);
  if (g.kernel == Size2D(1)) return use_permuted_points(reading, filled);
  if (is_depthwise(g)) return use_permuted_depthwise(g);
  if (sharing == Sharing::none) return false;
  if (sharing == Sharing::some) return filled >= 0.6 && use_permuted_rows_apart(reading);
  if (g.groups == 1 && !has_wide_vectors()) {
    const bool pays = g.kernel.height == 3 && sources <= 3 && results > 4 && results % 8 != 0;
    if (!pays && (sources > 1 || results > 1)) return false;
  }
  if (g.groups == 1 && results % 16 == 0) return false;
  return 1.05 * cycles < std::min(other_cycles(reading), winograd_cycles(reading));
}

/// Vectors over pixels and channels alike are full, as in use_permuted: for few sources, and few or small groups.
bool use_permuted_for_kernel(const ConvGeometry& g) {
  const ConvPlan plan = conv_plan();
  if (plan != ConvPlan::automatic) return plan == ConvPlan::permuted && permuted_kernel_lanes(g).used > 0;
  const std::int64_t sources = g.in_channels / g.groups, filters = g.out_channels / g.groups;
  const bool wide = has_wide_vectors(), pointwise = g.kernel == Size2D(1);
  if (!has_long_vectors() || sources > 12) return false;
  const double share = permuted_kernel_lanes(g).filled(g.output.width);
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
  if (share < (g.stride == Size2D(1) ? 0.5 : 0.8) || sharing == Sharing::none) return false;
  if (sharing == Sharing::some) return sources <= 2 || (sources == 3 && filters <= 10);
  if (sources <= 4) return true;
  if (g.kernel.height > 3 && sources > 8 && use_winograd_for_kernel(g)) return false;
  if (filters <= 4 || g.kernel.height > 3) return wide && share > 0.7 && share > 0.9 * filled_for_kernel(g);
  return wide && sources <= 6 && filters <= 12 && share > 0.7;  // Winograd gains more from many
}

}  // namespace tessera::kernels
