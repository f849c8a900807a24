#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/matmul.hpp>
#include <tessera/layers/linear.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {

Linear::Linear(LinearOptions options) : options_(std::move(options)) {
  const auto& o = options_;
  detail::require_positive("Linear", "in_features", "size of the input's last axis", o.in_features);
  detail::require_positive("Linear", "units", "size of the output's last axis", o.units);
  kernel_ = add_parameter("kernel", {o.in_features, o.units},
                          {o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint});
  if (o.use_bias) bias_ = add_parameter("bias", {o.units}, {o.bias_initializer, o.bias_regularizer, o.bias_constraint});
}

Tensor Linear::forward(const Tensor& x) {
  if (x.rank() < 1 || x.size(-1) != options_.in_features)
    raise<ShapeError>("linear", "expected input [..., {}] for kernel {}, got {}", options_.in_features,
                      kernel_.shape().str(), x.shape().str());
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  sizes.back() = options_.units;
  Tensor y = matmul(x.reshape({x.numel() / options_.in_features, options_.in_features}), kernel_);
  if (options_.use_bias) y = y + bias_;
  if (options_.activation != activation::linear) y = activate(y, options_.activation);
  y = y.reshape(sizes);
  add_activity_penalty(options_.activity_regularizer, y);
  return y;
}

}  // namespace tessera
