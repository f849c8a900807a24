#pragma once

#include <tessera/core/activation.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

struct LinearOptions {
  std::int64_t in_features = 0;                                    ///< size of the input's last axis; required
  std::int64_t units = 0;                                          ///< size of the output's last axis; required
  Activation activation = {};                                      ///< applied after the bias
  bool use_bias = true;                                            ///< adds a number to each unit
  Initializer kernel_initializer = initializer::glorot_uniform();  ///< first values of the kernel
  Initializer bias_initializer = initializer::zeros();             ///< first values of the bias
  Regularizer kernel_regularizer = {};                             ///< what regularization(model) adds for the kernel
  Regularizer bias_regularizer = {};                               ///< the same for the bias
  Regularizer activity_regularizer = {};                           ///< what an ActivityPenalty adds for the output
  Constraint kernel_constraint = {};                               ///< applied to the kernel after each update
  Constraint bias_constraint = {};                                 ///< the same for the bias
};

/// y = act(x kernel + bias), Keras' Dense.
///
/// [..., in_features] -> [..., units]. Parameters: kernel [in_features, units], bias [units]. ValueError for missing
/// options, ShapeError for an input whose last axis does not fit.
class Linear : public Layer {
 public:
  explicit Linear(LinearOptions options);
  Tensor forward(const Tensor& x) override;
  const LinearOptions& options() const { return options_; }

 private:
  LinearOptions options_;
  Tensor kernel_, bias_;
};

}  // namespace tessera
