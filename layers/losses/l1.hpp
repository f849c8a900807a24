#pragma once

#include <tessera/layers/losses/loss.hpp>

namespace tessera {

/// Absolute error: |prediction - target|, with a gradient of 0 where they are equal.
///
/// prediction and target of any one shape and float type; the weight is the number of elements. ShapeError or
/// ValueError where they differ.
Loss l1_loss(const Tensor& prediction, const Tensor& target);

}  // namespace tessera
