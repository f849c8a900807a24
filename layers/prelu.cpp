#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/layers/option_checks.hpp>
#include <tessera/layers/prelu.hpp>

namespace tessera {

PReLU::PReLU(const PReLUOptions& options) {
  detail::require_positive("PReLU", "channels", "size of the input's last axis", options.channels);
  alpha_ = add_parameter("alpha", {options.channels},
                         {options.alpha_initializer, options.alpha_regularizer, options.alpha_constraint});
}

Tensor PReLU::forward(const Tensor& x) {
  if (x.rank() < 1 || x.size(-1) != alpha_.size(0))
    raise<ShapeError>("prelu", "expected input [..., {}], got {}", alpha_.size(0), x.shape().str());
  return activate(x, activation::relu) - alpha_ * activate(-x, activation::relu);
}

}  // namespace tessera
