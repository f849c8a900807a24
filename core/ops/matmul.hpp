#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// Matrix product: y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n].
///
/// [..., M, K] x [K, N] -> [..., M, N] with one right matrix for all, or [..., M, K] x [..., K, N] with equal leading
/// axes and a product for each. ShapeError where sizes do not fit, ValueError where the types differ or are integers.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace tessera
