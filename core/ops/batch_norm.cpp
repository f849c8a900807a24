#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/batch_norm.hpp>
#include <tessera/core/ops/normalization.hpp>

namespace tessera {
namespace {

using detail::Channels;

kernels::NormGeometry geometry_of(const Shape& shape) {
  kernels::NormGeometry geometry{.channels = shape.size(-1)};
  for (std::int64_t axis = 0; axis + 1 < shape.rank(); ++axis) geometry.rows *= shape[axis];
  return geometry;
}

struct BatchNormNode final : Node {  // saves x, gamma, mean, 1 / deviation
  BatchNormNode(const Tensor& x, const Tensor& gamma, Channels mean, Channels inverse, const BatchNormOptions& options)
      : x_(x), gamma_(gamma), mean_(std::move(mean)), inverse_(std::move(inverse)), options_(options) {}
  std::string_view name() const override { return "batch_norm"; }
  Attributes attributes() const override {
    return {{"training", options_.training}, {"momentum", options_.momentum}, {"epsilon", options_.epsilon}};
  }
  // grad_gamma = sum g x^, grad_beta = sum g with x^ = (x - mean) / deviation; grad_x = gamma / deviation
  // (g - grad_beta / rows - x^ grad_gamma / rows), without the last two terms where the statistics are given.
  Grads backward(const Tensor& grad_output, Needs needs) override {
    const Tensor& x = x_;
    const kernels::NormGeometry geometry = geometry_of(x.shape());
    const auto [grad_sums, products] = detail::channel_sums(geometry, grad_output, x);
    const Channels gamma = detail::channel_values(gamma_, geometry.channels, 1);
    const double rows = static_cast<double>(std::max<std::int64_t>(geometry.rows, 1));
    Channels grad_gamma(gamma.size()), grad_scale(gamma.size()), x_scale(gamma.size()), shift(gamma.size());
    for (std::size_t c = 0; c < gamma.size(); ++c) {
      grad_gamma[c] = inverse_[c] * (products[c] - mean_[c] * grad_sums[c]);
      grad_scale[c] = gamma[c] * inverse_[c];
      if (!options_.training) continue;
      x_scale[c] = -grad_scale[c] * inverse_[c] * grad_gamma[c] / rows;
      shift[c] = -grad_scale[c] * grad_sums[c] / rows - x_scale[c] * mean_[c];
    }
    Grads grads(5);
    if (needs[0] && options_.training)
      grads[0] = detail::combined_channels(geometry, grad_output, x, grad_scale, x_scale, shift);
    else if (needs[0])
      grads[0] = detail::scaled_channels(geometry, grad_output, grad_scale, shift);
    if (needs[1]) grads[1] = detail::channel_tensor(grad_gamma, x.dtype());
    if (needs[2]) grads[2] = detail::channel_tensor(grad_sums, x.dtype());
    return grads;
  }
  Saved x_, gamma_;
  Channels mean_, inverse_;
  BatchNormOptions options_;
};

void check(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
           const Tensor& running_var, const BatchNormOptions& options) {
  const char* op = "batch_norm";
  if (x.rank() < 2) raise<ShapeError>(op, "expected an input [N, ..., C], got {}", x.shape().str());
  if (!is_float(x.dtype())) raise<ValueError>(op, "expected a float tensor (f32 or f64), got {}", name_of(x.dtype()));
  detail::check_channels(op, "gamma", gamma, x);
  detail::check_channels(op, "beta", beta, x);
  detail::check_channels(op, "running_mean", running_mean, x);
  detail::check_channels(op, "running_var", running_var, x);
  if (!options.training && (!running_mean || !running_var))
    raise<ValueError>(op, "needs running_mean and running_var where it is not training");
  if (!(options.momentum >= 0 && options.momentum <= 1))
    raise<ValueError>(op, "expected a momentum from 0 to 1, got {}", options.momentum);
  if (!(options.epsilon >= 0)) raise<ValueError>(op, "expected an epsilon of 0 or more, got {}", options.epsilon);
  if (options.training && geometry_of(x.shape()).rows == 1)
    raise<ValueError>(op, "cannot train on a single value for each channel, got input {}: use a larger batch or image",
                      x.shape().str());
}

/// running = momentum running + (1 - momentum) batch.
void move_towards(Tensor& running, const Channels& batch, double momentum) {
  if (!running) return;
  dispatch_float(running.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    T* values = running.mutable_data<T>();
    for (std::size_t c = 0; c < batch.size(); ++c)
      values[c] = static_cast<T>(momentum * values[c] + (1 - momentum) * batch[c]);
  });
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean, Tensor running_var,
                  const BatchNormOptions& options) {
  check(x, gamma, beta, running_mean, running_var, options);
  const kernels::NormGeometry geometry = geometry_of(x.shape());
  Channels mean, variance;
  if (options.training) {
    std::tie(mean, variance) = detail::mean_and_variance(detail::channel_sums(geometry, x, x), geometry.rows);
    if (geometry.rows > 1) {
      const double rows = static_cast<double>(geometry.rows);
      Channels unbiased = variance;
      for (double& value : unbiased) value *= rows / (rows - 1);
      move_towards(running_mean, mean, options.momentum);
      move_towards(running_var, unbiased, options.momentum);
    }
  } else {
    mean = detail::channel_values(running_mean, geometry.channels, 0);
    variance = detail::channel_values(running_var, geometry.channels, 1);
  }
  Channels inverse(mean.size()), scale = detail::channel_values(gamma, geometry.channels, 1);
  Channels shift = detail::channel_values(beta, geometry.channels, 0);
  for (std::size_t c = 0; c < mean.size(); ++c) {
    inverse[c] = 1 / std::sqrt(variance[c] + options.epsilon);
    scale[c] *= inverse[c];
    shift[c] -= scale[c] * mean[c];
  }
  Tensor y = detail::scaled_channels(geometry, x, scale, shift);
  return record<BatchNormNode>(y, {x, gamma, beta, running_mean, running_var}, x, gamma, std::move(mean),
                               std::move(inverse), options);
}

}  // namespace tessera
