#pragma once

#include <tessera/layers/losses/loss.hpp>

namespace tessera {

struct HuberOptions {
  double delta = 1;  ///< where the parabola turns into a line
};

/// Huber loss (1964) of error d = |prediction - target|: d^2 / 2 up to delta, then delta (d - delta / 2).
///
/// prediction and target of any one shape and float type; the weight is the number of elements. ShapeError or
/// ValueError where they differ.
Loss huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& options = {});

}  // namespace tessera
