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

/// With blocks of so many channels of a pixel side by side.
RowLanes fill_lanes(const ConvReading& reading, std::int64_t lanes, std::int64_t side_by_side, std::int64_t block) {
  RowLanes row{.lanes = lanes,
               .used = lanes,
               .phases = 0,
               .results = reading.all_results(),
               .group_results = reading.results(),
               .group_sources = reading.sources(),
               .block = block,
               .pixel_step = block * (reading.forward ? reading.geometry.stride.width : 1)};
  for (std::int64_t wholes = lanes / row.group_results; row.used > 0; --wholes) {
    row.phases = row.results / std::gcd(row.results, row.used);
    if (fits(row, side_by_side)) break;
    row.used = std::min(wholes * row.group_results, row.used - 1);
  }
  return row;
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

TileRowSteps::TileRowSteps(const TapAxis& rows)
    : between(rows.dilation / std::gcd(rows.dilation, rows.stride)), stride(between * rows.stride / rows.dilation) {
  const bool has_tiles = stride == 1 ? rows.taps <= 3 || rows.taps == 5 : stride == 2 && rows.taps <= 3;
  taps = has_tiles ? rows.taps : 1;
}

std::vector<std::int64_t> entry_offsets(const ConvPass& pass, const RowLanes& lanes, const TileRowSteps& steps,
                                        std::int64_t row_stride, std::int64_t block_stride) {
  const auto& [rows, columns] = pass;
  std::vector<std::int64_t> offsets;
  for (std::int64_t row = 0; row < rows.taps; row += steps.taps)
    for (std::int64_t column = 0; column < columns.taps; ++column)
      for (std::int64_t source = 0; source < lanes.group_sources; ++source)
        offsets.push_back(row * rows.dilation * row_stride + column * columns.dilation * lanes.block +
                          source / lanes.block * block_stride + source % lanes.block);
  return offsets;
}

RowLanes row_lanes(const ConvReading& reading, std::int64_t lanes, std::int64_t side_by_side) {
  return fill_lanes(reading, lanes, side_by_side, reading.all_sources());
}

RowLanes permuted_lanes(const ConvReading& reading, std::int64_t lanes) {
  const ConvGeometry& g = reading.geometry;
  const bool pointwise = g.kernel == Size2D(1);
  const RowLanes together = row_lanes(reading, lanes, pointwise ? reading.sources() : 1);
  if (together.used == lanes || pointwise || g.groups > 1 || lanes < 8) return together;
  // Pixels that the results of a vector may belong to.
  const std::int64_t sources = reading.sources(), results = reading.results();
  const std::int64_t span = (results - std::gcd(results, lanes) + lanes - 1) / results + 1;
  const std::int64_t stride = together.pixel_step / sources;
  const std::int64_t block = std::min<std::int64_t>((lanes - 1) / ((span - 1) * stride), 4);
  if (block == 0) return together;
  // Cycles a pixel, with vectors of 64 bytes.
  const std::int64_t products = g.kernel.height * g.kernel.width * sources * results * lanes;
  const std::int64_t blocks = (sources + block - 1) / block, pixels = stride * g.stride.height;
  const double copies = (block == 1 ? 0.6 : 1.1) * static_cast<double>(blocks * pixels);
  const auto cycles = [&](std::int64_t used) { return static_cast<double>(products) / 14 / static_cast<double>(used); };
  return cycles(lanes) + copies < cycles(together.used) ? fill_lanes(reading, lanes, 1, block) : together;
}

}  // namespace tessera::kernels
