#include <limits>
#include <numeric>
#include <tessera/core/kernels/conv_strides.hpp>

namespace tessera::kernels {
namespace {

using std::int64_t;

int64_t floor_mod(int64_t a, int64_t b) { return (a % b + b) % b; }
int64_t floor_div(int64_t a, int64_t b) { return (a - floor_mod(a, b)) / b; }

}  // namespace

StrideColumns::StrideColumns(const ConvGeometry& g) : pixels(static_cast<std::size_t>(g.stride.width)) {
  for (const TapAxis& columns : backward_columns(g)) pixels[static_cast<std::size_t>(columns.start)] = columns;
  all.count = (g.input.width + g.stride.width - 1) / g.stride.width;
  all.offset = std::numeric_limits<int64_t>::max();
  for (const TapAxis& pixel : pixels) {
    if (pixel.taps == 0) continue;
    all.offset = std::min(all.offset, pixel.offset);
    all.taps = std::max(all.taps, pixel.taps);
    all.dilation = pixel.dilation;
  }
  if (all.taps == 0) all.offset = 0;
  starts.pixels = g.stride.width;
  int64_t last = 0;
  for (std::size_t pixel = 0; pixel < pixels.size(); ++pixel) {
    // One that has no taps takes sources where its neighbour does.
    const int64_t start = pixels[pixel].taps == 0 ? last : pixels[pixel].offset - all.offset;
    starts.source[pixel] = start;
    last = start;
  }
}

StrideRows::StrideRows(const ConvGeometry& g)
    : between(g.dilation.height),
      source_between(g.dilation.height / std::gcd(g.dilation.height, g.stride.height)),
      stride(g.stride.height / std::gcd(g.dilation.height, g.stride.height)),
      taps(g.kernel.height),
      conv_stride(g.stride.height),
      pad(g.pad.top) {}

int64_t stride_tile_index(int64_t taps, int64_t stride) {
  for (std::size_t i = 0; i < stride_tiles.size(); ++i)
    if (stride_tiles[i].taps == taps && stride_tiles[i].stride == stride) return static_cast<int64_t>(i);
  return -1;
}

bool StrideRows::has_tiles(const ConvGeometry& g) {
  constexpr int64_t most_rows = 8;  // that tiles have on every instruction set
  const StrideRows rows(g);
  return rows_step(rows.stride) * (rows.between > 1 ? 2 : 1) <= most_rows &&
         stride_tile_index(rows.taps, rows.stride) >= 0 && g.stride.width <= PixelStarts::most;
}

StrideRows::Tile StrideRows::tile(int64_t row, int64_t count) const {
  const auto whole_steps = [&](int64_t rows) {
    const int64_t step = rows_step(stride);
    return (rows + step - 1) / step * step;
  };
  // With e = row + pad = conv_stride * source + tap * between: the first source that some tap leads there from.
  const int64_t e = row + pad;
  int64_t source = 0;
  while (source < source_between && floor_mod(e - conv_stride * source, between) != 0) ++source;
  if (source == source_between) return {.skipped = 0, .rows = whole_steps(count), .first_source = 0, .sources = 0};
  const int64_t first = (e - conv_stride * source) / between, skipped = floor_mod(first, stride);
  const int64_t before = (taps - 1) / stride;  // rows of sources that count for the tile's first row, besides its own
  const int64_t rows = whole_steps(skipped + count);
  return {.skipped = skipped,
          .rows = rows,
          .first_source = source + source_between * (floor_div(first, stride) - before),
          .sources = before + rows / stride};
}

}  // namespace tessera::kernels
