#pragma once

#include <tessera/core/ops/norm_block.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

struct BatchNorm2DOptions {
  std::int64_t channels = 0;                            ///< size of the input's last axis; required
  double momentum = 0.9;                                ///< part of the running statistics that stays, in Keras' sense
  double epsilon = 1e-5;                                ///< added to the variance
  bool center = true;                                   ///< adds beta
  bool scale = true;                                    ///< multiplies by gamma
  Initializer beta_initializer = initializer::zeros();  ///< first values of beta
  Initializer gamma_initializer = initializer::ones();  ///< first values of gamma
  Regularizer beta_regularizer = {};                    ///< what regularization(model) adds for beta
  Regularizer gamma_regularizer = {};                   ///< the same for gamma
  Constraint beta_constraint = {};                      ///< applied to beta after each update
  Constraint gamma_constraint = {};                     ///< the same for gamma
};

/// Batch normalisation: y = gamma (x - mean) / sqrt(var + epsilon) + beta, for each channel (Ioffe and Szegedy 2015).
///
/// [..., channels] -> the same. In training mean and variance are the batch's, and the running ones move towards them
/// (the variance unbiased); in evaluation they are the running ones. Keras' options, PyTorch's defaults. Parameters:
/// gamma, beta [channels]; buffers: running_mean, running_var. ValueError where a channel has one value to train on.
class BatchNorm2D : public Layer {
 public:
  explicit BatchNorm2D(BatchNorm2DOptions options);
  Tensor forward(const Tensor& x) override { return folded() ? x : normalize(x, {}).output; }
  /// The same with an activation, and pooling, in one op (norm_block); of `options` all but .norm counts.
  NormBlockResult with_block(Tensor x, const NormBlockOptions& options) {
    const ModuleCall call(*this);
    return normalize(std::move(x), options);
  }
  /// True once fold_batch_norm has moved it into the convolution before it: it then passes its input on. ValueError if
  /// so in training mode.
  bool folded() const;
  const BatchNorm2DOptions& options() const { return options_; }

 private:
  NormBlockResult normalize(Tensor x, NormBlockOptions options);

  BatchNorm2DOptions options_;
  Tensor gamma_, beta_, running_mean_, running_var_;
};

}  // namespace tessera
