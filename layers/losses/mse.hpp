#pragma once

#include <tessera/layers/losses/loss.hpp>

namespace tessera {

/// Squared error: (prediction - target)^2.
///
/// prediction and target of any one shape and float type; the weight is the number of elements. ShapeError or
/// ValueError where they differ.
Loss mse_loss(const Tensor& prediction, const Tensor& target);

}  // namespace tessera
