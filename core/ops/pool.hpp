#pragma once

#include <optional>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Options of max_pool2d.
struct MaxPoolOptions {
  Size2D pool_size = 2;
  std::optional<Size2D> strides = std::nullopt;  ///< none: the pool size
  Padding padding = valid;                       ///< less than the pool size on every side
};

/// Options of avg_pool2d.
struct AvgPoolOptions {
  Size2D pool_size = 2;
  std::optional<Size2D> strides = std::nullopt;  ///< none: the pool size
  Padding padding = valid;                       ///< less than the pool size on every side
  bool count_include_pad = false;                ///< divide by the whole window, padding included, as PyTorch's default
};

/// The largest number of every window of a channel; padding never wins, a NaN does.
///
/// x [N, H, W, C] -> [N, H', W', C], sizes as a convolution's: floor((n + pad - pool) / stride) + 1, `same` ceil(n /
/// stride). The gradient goes to the first maximum in reading order. ShapeError where a window would not fit.
Tensor max_pool2d(const Tensor& x, const MaxPoolOptions& options = {});

/// max_pool2d's result, and where in its plane each number stood.
struct PooledWithIndices {
  Tensor output;
  Tensor indices;  ///< i32, of the output's shape: row * W + column in x, as PyTorch counts
};

PooledWithIndices max_pool2d_with_indices(const Tensor& x, const MaxPoolOptions& options = {});

/// Puts every number back where max_pool2d_with_indices took it, and zeros elsewhere.
///
/// x and indices (i32) [N, H, W, C] -> [N, size.height, size.width, C]. Where an index comes twice, the last number
/// wins and alone gets a gradient. ShapeError for unequal shapes, ValueError for an index outside of the plane.
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, Size2D size);

/// The mean of every window of a channel: of its pixels inside the image unless count_include_pad.
///
/// x [N, H, W, C] -> [N, H', W', C], sizes as max_pool2d's.
Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& options = {});

/// The mean of every channel of an image: [N, H, W, C] -> [N, C].
Tensor global_avg_pool2d(const Tensor& x);

/// The largest number of every channel of an image: [N, H, W, C] -> [N, C].
Tensor global_max_pool2d(const Tensor& x);

}  // namespace tessera
