#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/train/tiling.hpp>

namespace tessera {
namespace {

/// The part of images [N, H, W, C] that begins at (y, x), zero where it reaches beyond them.
Tensor cut(const Tensor& images, std::int64_t y, std::int64_t x, Size2D size) {
  const std::int64_t height = images.size(1), width = images.size(2), channels = images.size(3);
  Tensor part = Tensor::zeros({images.size(0), size.height, size.width, channels});
  const std::int64_t rows = std::min(size.height, height - y), columns = std::min(size.width, width - x);
  float* to = part.mutable_data<float>();
  for (std::int64_t n = 0; n < images.size(0); ++n)
    for (std::int64_t row = 0; row < rows; ++row)
      std::copy_n(images.data<float>() + ((n * height + y + row) * width + x) * channels, columns * channels,
                  to + (n * size.height + row) * size.width * channels);
  return part;
}

/// Adds the scores of one tile, weighted, to `sums`, whose first row is the tile's.
void blend(Tensor& sums, const Tensor& scores, const AxisTile& down, const AxisTile& across) {
  const std::int64_t height = sums.size(1), width = sums.size(2), classes = sums.size(3);
  const std::int64_t rows = std::min(scores.size(1), height), columns = std::min(scores.size(2), width - across.begin);
  float* all = sums.mutable_data<float>();
  for (std::int64_t n = 0; n < sums.size(0); ++n)
    for (std::int64_t y = 0; y < rows; ++y) {
      const float row_weight = down.weights[static_cast<std::size_t>(y)];
      if (row_weight == 0) continue;
      const float* from = scores.data<float>() + (n * scores.size(1) + y) * scores.size(2) * classes;
      float* to = all + ((n * height + y) * width + across.begin) * classes;
      for (std::int64_t x = 0; x < columns; ++x, from += classes, to += classes) {
        const float weight = row_weight * across.weights[static_cast<std::size_t>(x)];
        for (std::int64_t k = 0; k < classes; ++k) to[k] += weight * from[k];
      }
    }
}

/// Copies rows of `from` [N, H, W, K], begin .. end - 1, to `to` from row `first` on.
void copy_image_rows(const Tensor& from, std::int64_t begin, std::int64_t end, Tensor& to, std::int64_t first) {
  const std::int64_t row = from.size(2) * from.size(3);
  for (std::int64_t n = 0; n < from.size(0); ++n)
    std::copy_n(from.data<float>() + (n * from.size(1) + begin) * row, (end - begin) * row,
                to.mutable_data<float>() + (n * to.size(1) + first) * row);
}

}  // namespace

std::vector<AxisTile> tile_axis(std::int64_t length, std::int64_t tile, double overlap, std::int64_t grid) {
  const auto width = static_cast<std::size_t>(tile);
  if (tile < grid) raise<ValueError>("tiles", "expected a tile of at least {} pixels, got {}", grid, tile);
  if (length <= tile) return {{0, std::vector<float>(width, 1)}};
  const auto shared = static_cast<std::int64_t>(std::ceil(overlap * static_cast<double>(tile)));
  const std::int64_t stride = std::max<std::int64_t>((tile - shared) / grid, 1) * grid;
  const std::int64_t steps = (length - tile + stride - 1) / stride;
  const std::int64_t places = (length - tile + grid - 1) / grid;  // on the grid, from the first tile to the last
  const std::int64_t margin = std::min(shared / 4, (tile - stride) / 2);  // so that one of two neighbours counts

  std::vector<AxisTile> tiles;
  std::vector<double> sums(static_cast<std::size_t>(length));
  std::vector<std::vector<double>> weights;
  for (std::int64_t i = 0; i <= steps; ++i) {
    tiles.push_back({i * places / steps * grid, std::vector<float>(width)});
    weights.emplace_back(width);
    for (std::int64_t x = 0; x < tile && tiles.back().begin + x < length; ++x) {
      const bool lacks_context = (i > 0 && x < margin) || (i < steps && x >= tile - margin);
      const double from_middle = (static_cast<double>(x) + 0.5) / static_cast<double>(tile) - 0.5;
      const double weight = lacks_context ? 0 : std::exp(-32 * from_middle * from_middle);
      weights.back()[static_cast<std::size_t>(x)] = weight;
      sums[static_cast<std::size_t>(tiles.back().begin + x)] += weight;
    }
  }
  for (std::size_t i = 0; i < tiles.size(); ++i)
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t at = static_cast<std::size_t>(tiles[i].begin) + x;
      if (at < sums.size()) tiles[i].weights[x] = static_cast<float>(weights[i][x] / sums[at]);
    }
  return tiles;
}

void tile_rows(const Tensor& images, const TilingOptions& options, const std::function<Tensor(const Tensor&)>& predict,
               const UseRows& use) {
  if (options.overlap < 0 || options.overlap > 0.75)
    raise<ValueError>("tiles", "expected an overlap of 0 to 0.75 of a tile, got {}", options.overlap);
  const std::int64_t batch = images.size(0), height = images.size(1), width = images.size(2);
  const auto rows = tile_axis(height, options.tile.height, options.overlap, options.grid);
  const auto columns = tile_axis(width, options.tile.width, options.overlap, options.grid);
  Tensor sums;  // of the rows that the last tiles reach and the next ones do, too
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t first = rows[i].begin, end = std::min(first + options.tile.height, height);
    Tensor band;
    for (const AxisTile& across : columns) {
      const Tensor scores = predict(cut(images, first, across.begin, options.tile));
      if (!band) {
        band = Tensor::zeros({batch, end - first, width, scores.size(-1)});
        if (sums) copy_image_rows(sums, 0, sums.size(1), band, 0);
      }
      blend(band, scores, rows[i], across);
    }
    const std::int64_t done = (i + 1 < rows.size() ? rows[i + 1].begin : height) - first, left = end - first - done;
    use(first, left == 0 ? band : slice(band, 1, 0, done));
    sums = left > 0 ? slice(band, 1, done, end - first) : Tensor();
  }
}

Tensor tiled(const Tensor& images, const TilingOptions& options, const std::function<Tensor(const Tensor&)>& predict) {
  Tensor whole;
  tile_rows(images, options, predict, [&](std::int64_t first, const Tensor& rows) {
    if (!whole) whole = Tensor::empty({images.size(0), images.size(1), images.size(2), rows.size(3)});
    copy_image_rows(rows, 0, rows.size(1), whole, first);
  });
  return whole;
}

}  // namespace tessera
