#pragma once

#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// The part of x from `begin` up to `end` (not included) along one axis; negative bounds count from the axis's end.
///
/// ShapeError where the bounds lie outside of the axis or in the wrong order.
Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end);

/// Puts tensors one after the other along an axis they have.
///
/// Shapes must be equal but for that axis, types equal: ShapeError, ValueError. One or more tensors.
Tensor concat(const std::vector<Tensor>& tensors, std::int64_t axis);

/// The shape of concat(tensors, axis), with its errors.
Shape concat_shape(const std::vector<Tensor>& tensors, std::int64_t axis);

/// Puts tensors of one shape one after the other along a new axis: n of [H, W] on axis 0 -> [n, H, W].
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t axis);

/// Cuts x along an axis into parts of these sizes, which must add up to the axis's size: ShapeError. The inverse of
/// concat.
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t axis);

/// Cuts x along an axis into `parts` equal parts: ShapeError where the axis's size does not divide by it.
std::vector<Tensor> split_evenly(const Tensor& x, std::int64_t parts, std::int64_t axis);

}  // namespace tessera
