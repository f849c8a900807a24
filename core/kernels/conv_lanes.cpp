#include <algorithm>
#include <numeric>
#include <tessera/core/kernels/conv_lanes.hpp>

namespace tessera::kernels {
namespace {

/// Whether one vector of sources holds what any vector of results takes: so many side by side for each.
bool fits(const RowLanes& row, std::int64_t side_by_side) {
  for (std::int64_t phase = 0; phase < row.phases; ++phase) {
    const std::int64_t first = phase * row.used;
    if (row.source(first + row.used - 1) - row.source(first) + side_by_side > row.lanes) return false;
  }
  return true;
}

}  // namespace

void RowLanes::set_places(std::int64_t phase, std::int32_t* places) const {
  const std::int64_t first = phase * used;
  for (std::int64_t lane = 0; lane < lanes; ++lane)
    places[lane] = static_cast<std::int32_t>(source(first + std::min(lane, used - 1)) - source(first));
}

double RowLanes::filled(std::int64_t pixels) const {
  if (used == 0) return 0;
  const std::int64_t count = pixels * results, vectors = (count + used - 1) / used;
  return static_cast<double>(count) / static_cast<double>(vectors * lanes);
}

RowLanes row_lanes(const ConvReading& reading, std::int64_t lanes, std::int64_t side_by_side) {
  const ConvGeometry& g = reading.geometry;
  RowLanes row{.lanes = lanes,
               .used = lanes,
               .phases = 0,
               .results = reading.all_results(),
               .group_results = reading.results(),
               .group_sources = reading.sources(),
               .pixel_step = reading.all_sources() * (reading.forward ? g.stride.width : 1)};
  for (std::int64_t wholes = lanes / row.group_results; row.used > 0; --wholes) {
    row.phases = row.results / std::gcd(row.results, row.used);
    if (fits(row, side_by_side)) break;
    row.used = std::min(wholes * row.group_results, row.used - 1);
  }
  return row;
}

}  // namespace tessera::kernels
