#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

struct PReLUOptions {
  std::int64_t channels = 0;                             ///< size of the input's last axis; required
  Initializer alpha_initializer = initializer::zeros();  ///< first slopes; PyTorch starts from constant(0.25)
  Regularizer alpha_regularizer = {};                    ///< what regularization(model) adds for the slopes
  Constraint alpha_constraint = {};                      ///< applied to the slopes after each update
};

/// y = x where x > 0, else alpha x, with a learned slope for each channel (He et al. 2015).
///
/// [..., channels] -> the same. Parameter: alpha [channels]. ShapeError for another number of channels.
class PReLU : public Layer {
 public:
  explicit PReLU(const PReLUOptions& options);
  Tensor forward(const Tensor& x) override;

 private:
  Tensor alpha_;
};

}  // namespace tessera
