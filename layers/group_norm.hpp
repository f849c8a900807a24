#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

struct GroupNormOptions {
  std::int64_t channels = 0;                            ///< size of the input's last axis; required
  std::int64_t groups = 32;                             ///< must divide channels; 1: layer, channels: instance norm
  double epsilon = 1e-3;                                ///< added to the variance
  bool center = true;                                   ///< adds beta
  bool scale = true;                                    ///< multiplies by gamma
  Initializer beta_initializer = initializer::zeros();  ///< first values of beta
  Initializer gamma_initializer = initializer::ones();  ///< first values of gamma
  Regularizer beta_regularizer = {};                    ///< what regularization(model) adds for beta
  Regularizer gamma_regularizer = {};                   ///< the same for gamma
  Constraint beta_constraint = {};                      ///< applied to beta after each update
  Constraint gamma_constraint = {};                     ///< the same for gamma
};

/// Group normalisation: y = gamma (x - mean) / sqrt(var + epsilon) + beta with the statistics of one image's group of
/// neighbouring channels (Wu and He 2018); the same in training and evaluation.
///
/// [N, ..., channels] -> the same. Parameters: gamma, beta [channels]. Keras' options and defaults. ValueError for
/// channels that are missing or do not divide by groups, ShapeError for an input of other channels.
class GroupNorm : public Layer {
 public:
  explicit GroupNorm(const GroupNormOptions& o);
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t groups_;
  double epsilon_;
  Tensor gamma_, beta_;
};

}  // namespace tessera
