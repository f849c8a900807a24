#pragma once

#include <cstdint>
#include <functional>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// How images too large to be predicted whole are cut.
struct TilingOptions {
  Size2D tile{};  ///< a size the network takes
  double overlap =
      0.5;  ///< the share of a tile that its neighbour covers too, from 0 to 0.75; less only for the grid's sake
  std::int64_t grid = 1;  ///< tiles begin at multiples of it: how far the network must shift to give shifted scores
};

/// One tile's place along an axis, and what its pixels there count: 0 to 1, over all tiles of the axis 1 in sum.
struct AxisTile {
  std::int64_t begin = 0;
  std::vector<float> weights{};
};

/// Tiles that cover an axis evenly; the last one may reach beyond its end.
///
/// Weights fall off from the tile's middle like a Gaussian with a standard deviation of an eighth of the tile (Isensee
/// et al. 2021, nnU-Net). The outer quarter of the overlap counts nothing: there a tile lacks the most context, and its
/// neighbour has it. A network that sees no further than that quarter therefore gives the scores of the whole image.
/// Where the grid does not allow the overlap, it is as large as the grid allows. ValueError for a tile below the grid.
std::vector<AxisTile> tile_axis(std::int64_t length, std::int64_t tile, double overlap, std::int64_t grid);

/// Some rows of what images are predicted to be, from `first` on: [N, rows, W, K].
using UseRows = std::function<void(std::int64_t first, const Tensor& rows)>;

/// Applies `predict` ([N, h, w, C] -> [N, h, w, K]) to overlapping tiles of images [N, H, W, C], which beyond the
/// images are zero, and gives `use` what they blend to, from top to bottom and each row once: so much as a row of tiles
/// is ever held, however large the images are.
void tile_rows(const Tensor& images, const TilingOptions& options, const std::function<Tensor(const Tensor&)>& predict,
               const UseRows& use);

/// All rows of tile_rows together: [N, H, W, K].
Tensor tiled(const Tensor& images, const TilingOptions& options, const std::function<Tensor(const Tensor&)>& predict);

}  // namespace tessera
