#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
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

/// Adds the scores of one tile to those of the images, weighted.
void blend(Tensor& sums, const Tensor& scores, const AxisTile& down, const AxisTile& across) {
  const std::int64_t height = sums.size(1), width = sums.size(2), classes = sums.size(3);
  const std::int64_t rows = std::min(scores.size(1), height - down.begin);
  const std::int64_t columns = std::min(scores.size(2), width - across.begin);
  float* all = sums.mutable_data<float>();
  for (std::int64_t n = 0; n < sums.size(0); ++n)
    for (std::int64_t y = 0; y < rows; ++y) {
      const float row_weight = down.weights[static_cast<std::size_t>(y)];
      if (row_weight == 0) continue;
      const float* from = scores.data<float>() + (n * scores.size(1) + y) * scores.size(2) * classes;
      float* to = all + ((n * height + down.begin + y) * width + across.begin) * classes;
      for (std::int64_t x = 0; x < columns; ++x, from += classes, to += classes) {
        const float weight = row_weight * across.weights[static_cast<std::size_t>(x)];
        for (std::int64_t k = 0; k < classes; ++k) to[k] += weight * from[k];
      }
    }
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

Tensor tiled(const Tensor& images, const TilingOptions& options, const std::function<Tensor(const Tensor&)>& predict) {
  if (options.overlap < 0 || options.overlap > 0.75)
    raise<ValueError>("tiles", "expected an overlap of 0 to 0.75 of a tile, got {}", options.overlap);
  const auto rows = tile_axis(images.size(1), options.tile.height, options.overlap, options.grid);
  const auto columns = tile_axis(images.size(2), options.tile.width, options.overlap, options.grid);
  Tensor sums;
  for (const AxisTile& down : rows)
    for (const AxisTile& across : columns) {
      const Tensor scores = predict(cut(images, down.begin, across.begin, options.tile));
      if (!sums) sums = Tensor::zeros({images.size(0), images.size(1), images.size(2), scores.size(-1)});
      blend(sums, scores, down, across);
    }
  return sums;
}

}  // namespace tessera
