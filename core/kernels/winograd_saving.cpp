#include <algorithm>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/winograd_saving.hpp>

namespace tessera::kernels {

JoinedPasses winograd_passes(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  return join_passes(reading.forward ? forward_phases(g) : backward_passes(g));
}

std::int64_t winograd_taps(const ConvReading& reading, const JoinedPasses& passes) {
  // Back through a stride all passes read one patch, whose size their offsets count for, too.
  if (!reading.forward && reading.geometry.stride != Size2D(1)) return std::max(passes.reach_y, passes.reach_x);
  std::int64_t most = 0;
  for (const auto& [rows, columns] : passes.passes) most = std::max({most, rows.taps, columns.taps});
  return most;
}

std::vector<PointAxes> winograd_axes(const ConvReading& reading, const JoinedPasses& passes) {
  const std::int64_t most = winograd_taps(reading, passes);
  // Back to the input all passes read the same patches, forward each one phase of the sources; the first has most taps.
  const bool forward = reading.forward;
  const auto axis = [&](const TapAxis& taps, std::int64_t patch, std::int64_t most_here) {
    return most_here == 1 ? PointAxis{.transformed = false}
                          : PointAxis::of(forward ? 0 : taps.offset - patch, taps.taps, most);
  };
  const ConvPass& first = passes.passes.front();
  std::vector<PointAxes> axes;
  for (const auto& [rows, columns] : passes.passes)
    axes.push_back({axis(rows, passes.offset_y, forward ? first.rows.taps : passes.reach_y),
                    axis(columns, passes.offset_x, forward ? first.columns.taps : passes.reach_x)});
  return axes;
}

Size2D winograd_spread(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  if (g.stride != Size2D(1)) return 1;
  return {g.kernel.height > 1 ? g.dilation.height : 1, g.kernel.width > 1 ? g.dilation.width : 1};
}

namespace {

constexpr std::int64_t tile = winograd_tile;

/// The part of the tiles along an axis that is no overhang.
double filled(std::int64_t results, std::int64_t spread) {
  std::int64_t tiles = 0;
  for (std::int64_t first = 0; first < std::min(spread, results); ++first)
    tiles += (results - first + tile * spread - 1) / (tile * spread);
  return tiles == 0 ? 1 : static_cast<double>(results) / static_cast<double>(tile * tiles);
}

}  // namespace

double winograd_saving(const ConvReading& reading) {
  const JoinedPasses joined = winograd_passes(reading);
  const std::int64_t taps = winograd_taps(reading, joined);
  if (reading.geometry.groups != 1 || taps < 2 || taps > 3) return 0;
  std::int64_t direct = 0, products = 0;
  const Size2D spread = winograd_spread(reading);
  const auto side_by_side = [](const TapAxis& axis, std::int64_t apart) {
    return axis.taps <= 1 || axis.dilation == axis.stride * apart;
  };
  const auto multiplied = [&](const PointAxis& axis) { return axis.points(taps + tile - 1) * axis.places(); };
  const std::vector<PointAxes> axes = winograd_axes(reading, joined);
  for (std::size_t pass = 0; pass < axes.size(); ++pass) {
    const auto& [rows, columns] = joined.passes[pass];
    if (!side_by_side(rows, spread.height) || !side_by_side(columns, spread.width)) return 0;
    direct += tile * tile * rows.taps * columns.taps;
    products += multiplied(axes[pass].rows) * multiplied(axes[pass].columns);
  }
  return static_cast<double>(direct) / static_cast<double>(products) * filled(joined.rows, spread.height) *
         filled(joined.columns, spread.width);
}

}  // namespace tessera::kernels
