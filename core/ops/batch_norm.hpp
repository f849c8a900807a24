#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// Options of batch_norm.
struct BatchNormOptions {
  bool training = false;  ///< normalise by the batch's own statistics and move the running ones
  double momentum = 0.9;  ///< of the running statistics, in Keras' sense: the part that stays
  double epsilon = 1e-5;  ///< added to the variance
};

/// Batch normalisation: y = gamma (x - mean) / sqrt(var + epsilon) + beta, for each channel (Ioffe and Szegedy 2015).
///
/// x [..., C]; gamma, beta, running_mean, running_var [C] or undefined (gamma 1, beta 0; running ones may be missing in
/// training only). Training: mean and biased variance of the batch; running = momentum running + (1 - momentum) batch,
/// with the unbiased variance. ValueError where a channel has a single value to train on.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean, Tensor running_var,
                  const BatchNormOptions& options = {});

}  // namespace tessera
