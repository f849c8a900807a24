#include <algorithm>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/winograd_saving.hpp>
#include <utility>

namespace tessera::kernels {

namespace {

constexpr std::int64_t most_taps = 3;

/// The taps of an axis in parts of up to three.
std::vector<TapAxis> split_taps(const TapAxis& axis) {
  const std::int64_t parts = std::max<std::int64_t>((axis.taps + most_taps - 1) / most_taps, 1);
  std::vector<TapAxis> split;
  for (std::int64_t part = 0, first = 0; part < parts; ++part) {
    TapAxis of_part = axis;
    of_part.taps = axis.taps / parts + (part < axis.taps % parts);
    of_part.offset = axis.offset + first * axis.dilation;
    of_part.first_tap = axis.tap(first);
    first += of_part.taps;
    split.push_back(of_part);
  }
  return split;
}

}  // namespace

bool winograd_sums_passes(const ConvReading& reading) {
  return reading.forward || reading.geometry.stride == Size2D(1);
}

JoinedPasses winograd_passes(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  const std::vector<ConvPass> passes = reading.forward ? forward_phases(g) : backward_passes(g);
  if (!winograd_sums_passes(reading)) return join_passes(passes);
  std::vector<ConvPass> split;
  for (const auto& [rows, columns] : passes)
    for (const TapAxis& of_rows : split_taps(rows))
      for (const TapAxis& of_columns : split_taps(columns)) split.push_back({of_rows, of_columns});
  // The first one has the most rows and columns of taps, as all of one's go with all of the other's.
  std::stable_sort(split.begin(), split.end(), [](const ConvPass& a, const ConvPass& b) {
    return std::pair(a.rows.taps, a.columns.taps) > std::pair(b.rows.taps, b.columns.taps);
  });
  return join_passes(split);
}

std::int64_t winograd_taps(const ConvReading& reading, const JoinedPasses& passes) {
  // Back through a stride all passes read one patch, whose size their offsets count for, too.
  if (!winograd_sums_passes(reading)) return std::max(passes.reach_y, passes.reach_x);
  std::int64_t most = 0;
  for (const auto& [rows, columns] : passes.passes) most = std::max({most, rows.taps, columns.taps});
  return most;
}

std::vector<PointAxes> winograd_axes(const ConvReading& reading, const JoinedPasses& passes) {
  const std::int64_t most = winograd_taps(reading, passes);
  // Where passes are summed each reads patches of its own; the first has most taps.
  const bool sums = winograd_sums_passes(reading);
  const auto axis = [&](const TapAxis& taps, std::int64_t patch, std::int64_t most_here) {
    return most_here == 1 ? PointAxis{.transformed = false}
                          : PointAxis::of(sums ? 0 : taps.offset - patch, taps.taps, most);
  };
  const ConvPass& first = passes.passes.front();
  std::vector<PointAxes> axes;
  for (const auto& [rows, columns] : passes.passes)
    axes.push_back({axis(rows, passes.offset_y, sums ? first.rows.taps : passes.reach_y),
                    axis(columns, passes.offset_x, sums ? first.columns.taps : passes.reach_x)});
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
  if (reading.geometry.groups != 1 || taps < 2 || taps > most_taps) return 0;
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
