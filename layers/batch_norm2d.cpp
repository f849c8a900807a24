#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {

BatchNorm2D::BatchNorm2D(BatchNorm2DOptions options) : options_(std::move(options)) {
  const auto& o = options_;
  detail::require_positive("BatchNorm2D", "channels", "size of the input's last axis", o.channels);
  if (o.momentum < 0 || o.momentum > 1)
    raise<ValueError>("BatchNorm2D", ".momentum must lie between 0 and 1, got {}", o.momentum);
  if (o.epsilon <= 0) raise<ValueError>("BatchNorm2D", ".epsilon must be above 0, got {}", o.epsilon);
  if (o.scale)
    gamma_ = add_parameter("gamma", {o.channels}, {o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint});
  if (o.center)
    beta_ = add_parameter("beta", {o.channels}, {o.beta_initializer, o.beta_regularizer, o.beta_constraint});
  running_mean_ = add_buffer("running_mean", Tensor::zeros({o.channels}));
  running_var_ = add_buffer("running_var", Tensor::ones({o.channels}));
}

bool BatchNorm2D::folded() const {
  if (own("running_mean").defined()) return false;
  if (training())
    raise<ValueError>("BatchNorm2D", "was folded into the convolution before it and cannot train; make the model anew");
  return true;
}

NormBlockResult BatchNorm2D::normalize(Tensor x, NormBlockOptions options) {
  options.norm = {.training = training(), .momentum = options_.momentum, .epsilon = options_.epsilon};
  return norm_block(std::move(x), gamma_, beta_, running_mean_, running_var_, options);
}

}  // namespace tessera
