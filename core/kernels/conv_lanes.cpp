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

void RowLanes::lay_out(std::int32_t* places, std::int32_t* channels) const {
  for (std::int64_t phase = 0; phase < phases; ++phase) {
    const std::int64_t first = phase * used, start = source(first);
    std::int64_t channel = first % results, pixel = first / results * pixel_step, at = start;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      // Lanes that hold no result take what the last one does.
      *places++ = static_cast<std::int32_t>(at - start);
      *channels++ = static_cast<std::int32_t>(channel);
      if (++channel == results) {
        channel = 0;
        pixel += pixel_step;
      }
      if (lane + 1 < used && channel % group_results == 0) at = channel == 0 ? pixel : at + group_sources;
    }
  }
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

bool runs_narrow(const ConvReading& reading, std::int64_t side_by_side) {
  const std::int64_t used = row_lanes(reading, 16, side_by_side).used;
  return used <= 8 && row_lanes(reading, 8, side_by_side).used >= used;
}

}  // namespace tessera::kernels
