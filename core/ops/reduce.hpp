#pragma once

#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

// Reductions of a float tensor over `axes` (negative ones count from the last; an empty list stands for all of them).
// The reduced axes disappear, or stay with size 1 if `keepdims`. ShapeError for an axis that does not exist or is
// listed twice. Sums run in double, in an order that only the shape decides.

using Axes = std::vector<std::int64_t>;

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// NaN where there is nothing to average.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// Sum of (x - mean)^2 / (n - correction): 0 as in Keras for the biased variance, 1 (PyTorch's default) for the
/// unbiased.
Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false, std::int64_t correction = 0);

/// The least or greatest element; NaN if there is one. The gradient goes to the first such element in row-major order.
/// ShapeError where there is nothing to choose from.
Tensor min(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// i32: the place of that element, counted in row-major order over the reduced axes.
Tensor argmin(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor argmax(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// Sums the axes along which `shape` was stretched to x's shape: the gradient of broadcasting. [2, 3, 4] to [3, 1],
/// say.
Tensor sum_to_shape(const Tensor& x, const Shape& shape);

}  // namespace tessera
