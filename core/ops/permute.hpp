#pragma once

#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// Reorders the axes: axis a of the output is axis axes[a] of x, as NumPy's transpose.
///
/// x of any shape and type; permute(x, {0, 3, 1, 2}) takes [N, H, W, C] to [N, C, H, W]. ShapeError unless `axes` names
/// every axis once (negative ones count from the last).
Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes);

/// Moves blocks of channels to the image plane: y[n, h b + i, w b + j, c] = x[n, h, w, (i b + j) C + c], TensorFlow's
/// order.
///
/// [N, H, W, b b C] -> [N, H b, W b, C]. ShapeError where the channels do not divide by block_size^2.
Tensor depth_to_space(const Tensor& x, std::int64_t block_size);

/// The inverse of depth_to_space: [N, H b, W b, C] -> [N, H, W, b b C].
Tensor space_to_depth(const Tensor& x, std::int64_t block_size);

}  // namespace tessera
