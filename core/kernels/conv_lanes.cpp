#include <algorithm>
#include <numeric>
#include <tessera/core/kernels/conv_lanes.hpp>
#include <utility>

namespace tessera::kernels {
namespace {

/// The sources of a row's results, one result after the other.
class SourceWalk {
 public:
  SourceWalk(const RowLanes& row, std::int64_t result)
      : row_(row), first_(result / row.results * row.pixel_step), channel_(result % row.results) {
    pixel_ = channel_ / row.pixel_results();
    left_ = row.group_results - channel_ % row.group_results;
    pixel_end_ = (pixel_ + 1) * row.pixel_results();
    source_ = row.source(result);
  }
  std::int64_t source() const { return source_; }
  std::int64_t channel() const { return channel_; }
  void next() {
    ++channel_;
    if (--left_ > 0) return;
    left_ = row_.group_results;
    source_ += row_.group_sources;
    if (channel_ < pixel_end_) return;
    if (++pixel_ == row_.starts.pixels) {
      pixel_ = channel_ = pixel_end_ = 0;
      first_ += row_.pixel_step;
    }
    pixel_end_ += row_.pixel_results();
    source_ = first_ + row_.starts.source[static_cast<std::size_t>(pixel_)] * row_.block;
  }

 private:
  const RowLanes& row_;
  std::int64_t first_;  ///< of a stride's pixels
  std::int64_t channel_, pixel_ = 0, pixel_end_ = 0;
  std::int64_t left_ = 0;  ///< results of the group
  std::int64_t source_ = 0;
};

/// Where the first and the last source stand that a phase's vector of results takes.
std::pair<std::int64_t, std::int64_t> vector_sources(const RowLanes& row, std::int64_t phase) {
  const std::int64_t begin = phase * row.used;
  if (row.starts.pixels == 1) return {row.source(begin), row.source(begin + row.used - 1)};
  // A pixel's channels may take sources before those of the pixel before it.
  SourceWalk walk(row, begin);
  std::int64_t first = walk.source(), last = first;
  for (std::int64_t lane = 1; lane < row.used; ++lane) {
    walk.next();
    first = std::min(first, walk.source());
    last = std::max(last, walk.source());
  }
  return {first, last};
}

/// Whether one vector of sources holds what any vector of results takes: so many side by side for each.
bool fits(const RowLanes& row, std::int64_t side_by_side) {
  // Some pixel of a stride takes the same sources as the one before it: first those of its own first group.
  const bool is_split = row.group_results < row.pixel_results() && row.block > row.lanes;
  if (row.starts.pixels > 1 && is_split && row.pixel_results() % row.used != 0) return false;
  for (std::int64_t phase = 0; phase < row.phases; ++phase) {
    const auto [first, last] = vector_sources(row, phase);
    if (last - first + side_by_side > row.lanes) return false;
  }
  return true;
}

/// With blocks of so many channels of a pixel side by side.
RowLanes fill_lanes(const ConvReading& reading, const PixelStarts& starts, std::int64_t lanes,
                    std::int64_t side_by_side, std::int64_t block) {
  RowLanes row{.lanes = lanes,
               .used = lanes,
               .phases = 0,
               .results = reading.all_results() * starts.pixels,
               .group_results = reading.results(),
               .group_sources = reading.sources(),
               .block = block,
               .pixel_step = block * (reading.forward ? reading.geometry.stride.width : 1),
               .starts = starts};
  for (std::int64_t wholes = lanes / row.group_results; row.used > 0; --wholes) {
    row.phases = row.results / std::gcd(row.results, row.used);
    if (fits(row, side_by_side)) break;
    row.used = std::min(wholes * row.group_results, row.used - 1);
    if (row.used < lanes / 4) row.used = 0;  // vectors so empty win nowhere
  }
  return row;
}

}  // namespace

std::int64_t RowLanes::vector_source(std::int64_t phase) const { return vector_sources(*this, phase).first; }

void RowLanes::lay_out(std::int32_t* places, std::int32_t* channels) const {
  for (std::int64_t phase = 0; phase < phases; ++phase) {
    const std::int64_t first = vector_source(phase);
    SourceWalk walk(*this, phase * used);
    std::int64_t source = walk.source();
    for (std::int64_t lane = 0; lane < lanes; ++lane, walk.next()) {
      // Lanes that hold no result take what the last one does.
      if (lane < used) source = walk.source();
      *places++ = static_cast<std::int32_t>(source - first);
      *channels++ = static_cast<std::int32_t>(walk.channel());
    }
  }
}

double RowLanes::filled(std::int64_t pixels) const {
  if (used == 0) return 0;
  const std::int64_t count = pixels * pixel_results(), vectors = (count + used - 1) / used;
  return static_cast<double>(count) / static_cast<double>(vectors * lanes);
}

TileRowSteps::TileRowSteps(const TapAxis& rows)
    : between(rows.dilation / std::gcd(rows.dilation, rows.stride)), stride(between * rows.stride / rows.dilation) {
  const bool has_tiles = stride == 1 ? rows.taps <= 3 || rows.taps == 5 : stride == 2 && rows.taps <= 3;
  taps = has_tiles ? rows.taps : 1;
}

std::vector<std::int64_t> entry_offsets(const ConvPass& pass, const RowLanes& lanes, std::int64_t taps_at_once,
                                        std::int64_t row_stride, std::int64_t block_stride) {
  const auto& [rows, columns] = pass;
  std::vector<std::int64_t> offsets;
  for (std::int64_t row = 0; row < rows.taps; row += taps_at_once)
    for (std::int64_t column = 0; column < columns.taps; ++column)
      for (std::int64_t source = 0; source < lanes.group_sources; ++source)
        offsets.push_back(row * rows.dilation * row_stride + column * columns.dilation * lanes.block +
                          source / lanes.block * block_stride + source % lanes.block);
  return offsets;
}

RowLanes row_lanes(const ConvReading& reading, std::int64_t lanes, std::int64_t side_by_side) {
  return fill_lanes(reading, {}, lanes, side_by_side, reading.all_sources());
}

RowLanes permuted_lanes(const ConvReading& reading, std::int64_t lanes) {
  const ConvGeometry& g = reading.geometry;
  const bool back = reads_phases(reading), pointwise = g.kernel == Size2D(1) && !back;
  const PixelStarts starts = back ? StrideColumns(g).starts : PixelStarts{};
  const RowLanes together =
      fill_lanes(reading, starts, lanes, pointwise ? reading.sources() : 1, reading.all_sources());
  if (together.used == lanes || pointwise || g.groups > 1 || lanes < 8) return together;
  // Pixels, or a stride's pixels, that the results of a vector may belong to.
  const std::int64_t sources = reading.sources(), results = together.results;
  const std::int64_t span = (results - std::gcd(results, lanes) + lanes - 1) / results + 1;
  const std::int64_t stride = together.pixel_step / sources, spread = starts.spread();
  const std::int64_t block = std::min<std::int64_t>((lanes - 1) / ((span - 1) * stride + spread), 4);
  if (block == 0) return together;
  // Cycles a result pixel, with vectors of 64 bytes. Forward it takes a stride's pixels of sources, back a part of one.
  const auto strides = static_cast<double>(g.stride.height * g.stride.width);
  const std::int64_t blocks = (sources + block - 1) / block;
  const double copies = (block == 1 ? 0.6 : 1.1) * static_cast<double>(blocks) * (back ? 1 / strides : strides);
  const double products = static_cast<double>(g.kernel.height * g.kernel.width * sources * reading.results() * lanes) /
                          (back ? strides : 1);
  const auto cycles = [&](std::int64_t used) { return products / 14 / static_cast<double>(used); };
  return cycles(lanes) + copies < cycles(together.used) ? fill_lanes(reading, starts, lanes, 1, block) : together;
}

}  // namespace tessera::kernels
