#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/copy_rows.hpp>
#include <tessera/core/kernels/norm_block.hpp>
#include <tessera/core/module_scope.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/norm_block.hpp>
#include <tessera/core/ops/normalization.hpp>

namespace tessera {
namespace {

using detail::Channels;
using kernels::NormBlockGeometry;

/// Any [..., C] tensor is one long row of pixels, unless it is pooled.
NormBlockGeometry geometry_of(const Shape& shape, const NormBlockOptions& options) {
  NormBlockGeometry geometry{.batch = 1, .height = 1, .width = 1, .channels = shape.size(-1)};
  if (options.pool) {
    geometry = {.batch = shape[0], .height = shape[1], .width = shape[2], .channels = shape[3], .pool = true};
  } else {
    // Rows keep the kernels' chunks small; where they end does not matter.
    for (std::int64_t axis = 0; axis + 2 < shape.rank(); ++axis) geometry.height *= shape[axis];
    geometry.width = shape[shape.rank() - 2];
  }
  geometry.rectify = options.activation != Activation{};
  geometry.slope = options.activation.slope;
  return geometry;
}

std::int64_t pixels(const NormBlockGeometry& g) { return g.batch * g.height * g.width; }

/// What normalisation comes down to, a channel each: y = scale x + shift with scale = gamma / deviation.
struct Coefficients {
  Channels mean, inverse;  ///< inverse = 1 / deviation
  Tensor scale, shift;
};

Tensor empty_output(const Tensor& x, bool pooled) {
  return Tensor::empty(pooled ? Shape{x.size(0), x.size(1) / 2, x.size(2) / 2, x.size(3)} : x.shape(), x.dtype());
}

/// Computes both results, or the one that is defined; y as channels from `begin` on of a tensor that may have more.
void fill(const NormBlockGeometry& geometry, const Tensor& x, const Coefficients& coefficients, Tensor y, Tensor pooled,
          std::int64_t begin = 0) {
  const std::int64_t y_step = y ? y.size(-1) / std::max<std::int64_t>(geometry.channels, 1) : 1;
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    kernels::norm_block_forward<T>(geometry, x.data<T>(), coefficients.scale.data<T>(), coefficients.shift.data<T>(),
                                   y ? y.mutable_data<T>() + begin : nullptr,
                                   pooled ? pooled.mutable_data<T>() : nullptr, y_step);
  });
}

struct BatchNormNode final : Node {  // saves x, gamma, the coefficients
  BatchNormNode(const Tensor& x, const Tensor& gamma, Coefficients coefficients, const NormBlockGeometry& geometry,
                const NormBlockOptions& options)
      : x_(x), gamma_(gamma), coefficients_(std::move(coefficients)), geometry_(geometry), options_(options) {}

  std::string_view name() const override { return "batch_norm"; }

  Attributes attributes() const override {
    return {
        {"training", options_.norm.training}, {"momentum", options_.norm.momentum}, {"epsilon", options_.norm.epsilon}};
  }

  Grads backward(const Tensor& grad_output, Needs needs) override {
    const Tensor none;
    return gradients(options_.pool ? none : grad_output, options_.pool ? grad_output : none, needs);
  }

  Grads backward_many(const std::vector<Tensor>& grad_outputs, Needs needs) override {
    if (grad_outputs.size() == 1) return backward(grad_outputs[0], needs);
    return gradients(grad_outputs[1], grad_outputs[0], needs);
  }

  bool recomputes(std::size_t) const override { return true; }

  void recompute(std::size_t output, Tensor& whole, std::int64_t begin) const override {
    const bool pooled = options_.pool && output == 0;
    const std::int64_t channels = geometry_.channels, all = whole.size(-1);
    if (pooled ? all == channels : all % std::max<std::int64_t>(channels, 1) == 0)
      return fill(geometry_, x_, coefficients_, pooled ? Tensor() : whole, pooled ? whole : Tensor(), begin);
    Tensor part = empty_output(x_, pooled);
    fill(geometry_, x_, coefficients_, pooled ? Tensor() : part, pooled ? part : Tensor());
    dispatch_float(part.dtype(), "batch_norm", [&](auto zero) {
      using T = decltype(zero);
      kernels::copy_rows(part.data<T>(), channels, whole.mutable_data<T>() + begin, all, part.numel() / channels,
                         channels);
    });
  }

  // With g the gradient after the activation and x^ = (x - mean) / deviation: grad_gamma = sum g x^, grad_beta = sum g,
  // grad_x = gamma / deviation (g - grad_beta / n - x^ grad_gamma / n); given statistics leave out the last two terms.
  Grads gradients(const Tensor& grad_y, const Tensor& grad_pooled, Needs needs) const {
    const Tensor& x = x_;
    const auto& [mean, inverse, scale, shift] = coefficients_;
    const bool in_place = grad_y && grad_y.is_unique();
    Grads grads(5);
    dispatch_float(
        x.dtype(), "batch_norm", [&, &mean = mean, &inverse = inverse, &scale = scale, &shift = shift](auto zero) {
          using T = decltype(zero);
          const kernels::NormBlockGradients<T> in{x.data<T>(), scale.template data<T>(), shift.template data<T>(),
                                                  grad_y ? grad_y.data<T>() : nullptr,
                                                  grad_pooled ? grad_pooled.data<T>() : nullptr};
          const std::vector<T> means(mean.begin(), mean.end());
          Channels grad_beta(mean.size()), grad_gamma(mean.size());
          kernels::norm_block_backward_sums<T>(geometry_, in, means.data(), grad_beta.data(), grad_gamma.data());
          const Channels gamma = detail::channel_values(gamma_, geometry_.channels, 1);
          const double count = static_cast<double>(std::max<std::int64_t>(pixels(geometry_), 1));
          std::vector<T> grad_scale(mean.size()), x_scale(mean.size()), offset(mean.size());
          for (std::size_t c = 0; c < mean.size(); ++c) {
            grad_gamma[c] *= inverse[c];
            const double of_grad = gamma[c] * inverse[c];
            const double of_x = options_.norm.training ? -of_grad * inverse[c] * grad_gamma[c] / count : 0;
            grad_scale[c] = static_cast<T>(of_grad);
            x_scale[c] = static_cast<T>(of_x);
            if (options_.norm.training) offset[c] = static_cast<T>(-of_grad * grad_beta[c] / count - of_x * mean[c]);
          }
          if (needs[0]) {
            // In the place of the gradient that it is computed from, where nobody else holds that.
            grads[0] = in_place ? grad_y : Tensor::empty(x.shape(), x.dtype());
            kernels::norm_block_backward<T>(geometry_, in, grad_scale.data(), x_scale.data(), offset.data(),
                                            grads[0].mutable_data<T>());
          }
          if (needs[1]) grads[1] = detail::channel_tensor(grad_gamma, x.dtype());
          if (needs[2]) grads[2] = detail::channel_tensor(grad_beta, x.dtype());
        });
    return grads;
  }

  void add_to(Trace& trace, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) const override {
    // The normalisation is the running layer's; what follows it is done for the module that called that layer.
    std::string path = running_module_path();
    std::vector<Tensor> from = inputs;
    const auto add = [&](std::string_view op, Attributes attributes, const Tensor& to) {
      trace.ops.push_back({std::string(op), std::move(attributes), from, {to}, path});
      from = {to};
      path = calling_module_path();
    };
    const Tensor activated = outputs.size() == 2 ? outputs[1] : options_.pool ? x_.get().detach() : outputs[0];
    if (!geometry_.rectify) {
      add(name(), attributes(), activated);
    } else {
      add(name(), attributes(), x_.get().detach());
      add(name_of(options_.activation), {{"slope", options_.activation.slope}}, activated);
    }
    if (options_.pool)
      add("max_pool2d",
          {{"kernel_size", std::vector<std::int64_t>{2, 2}},
           {"strides", std::vector<std::int64_t>{2, 2}},
           {"pads", std::vector<std::int64_t>{0, 0, 0, 0}}},
          outputs[0]);
  }

  Saved x_, gamma_;
  Coefficients coefficients_;
  NormBlockGeometry geometry_;
  NormBlockOptions options_;
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
  if (options.training && x.size(-1) > 0 && x.numel() == x.size(-1))
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

/// Mean and biased variance of the batch.
std::pair<Channels, Channels> batch_statistics(const Tensor& x) {
  // Without the pooling, so that it does not change the order of the sums.
  const NormBlockGeometry geometry = geometry_of(x.shape(), {});
  const auto channels = static_cast<std::size_t>(geometry.channels);
  Channels sums(channels), squares(channels);
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    // The first pixel is as good a pivot as any: near the mean, by the measure of the deviation.
    const std::vector<T> nothing(channels);
    const T* pivot = x.numel() > 0 ? x.data<T>() : nothing.data();
    kernels::norm_block_moments<T>(geometry, x.data<T>(), pivot, sums.data(), squares.data());
    const double count = static_cast<double>(std::max<std::int64_t>(pixels(geometry), 1));
    for (std::size_t c = 0; c < channels; ++c) {
      const double mean = sums[c] / count;
      squares[c] = std::max(squares[c] / count - mean * mean, 0.0);
      sums[c] = mean + static_cast<double>(pivot[c]);
    }
  });
  return {std::move(sums), std::move(squares)};
}

Coefficients coefficients_of(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                             Tensor& running_var, const NormBlockGeometry& geometry, const BatchNormOptions& options) {
  const detail::TraceScope untraced(nullptr);
  Channels mean, variance;
  if (options.training) {
    std::tie(mean, variance) = batch_statistics(x);
    if (const double count = static_cast<double>(pixels(geometry)); count > 1) {
      Channels unbiased = variance;
      for (double& value : unbiased) value *= count / (count - 1);
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
  return {std::move(mean), std::move(inverse), detail::channel_tensor(scale, x.dtype()),
          detail::channel_tensor(shift, x.dtype())};
}

}  // namespace

bool fits_norm_block(Activation activation) {
  return activation == Activation{} || activation.kind == Activation::Kind::relu ||
         activation.kind == Activation::Kind::leaky_relu;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a caller's last reference to x makes it this function's own
NormBlockResult norm_block(Tensor x, const Tensor& gamma, const Tensor& beta, Tensor running_mean, Tensor running_var,
                           const NormBlockOptions& options) {
  check(x, gamma, beta, running_mean, running_var, options.norm);
  if (!fits_norm_block(options.activation))
    raise<ValueError>("norm_block", "expected linear, relu or leaky_relu, got {}", name_of(options.activation));
  if (options.pool && (x.rank() != 4 || x.size(1) < 2 || x.size(2) < 2))
    raise<ShapeError>("norm_block", "expected an input [N, H, W, C] of at least 2x2 pixels to pool, got {}",
                      x.shape().str());
  const NormBlockGeometry geometry = geometry_of(x.shape(), options);
  Coefficients coefficients = coefficients_of(x, gamma, beta, running_mean, running_var, geometry, options.norm);
  const bool in_place = x.is_unique() && !grad_enabled() && !detail::running_trace();
  Tensor y, pooled;
  if (!options.pool || options.keep_unpooled) y = in_place ? x : empty_output(x, false);
  if (options.pool) pooled = empty_output(x, true);
  fill(geometry, x, coefficients, y, pooled);
  std::vector<Tensor> outputs;
  for (const Tensor& made : {pooled, y})
    if (made) outputs.push_back(made);
  record_many<BatchNormNode>(outputs, {x, gamma, beta, running_mean, running_var}, x, gamma, std::move(coefficients),
                             geometry, options);
  return {outputs[0], outputs.size() == 2 ? outputs[1] : Tensor()};
}

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean, Tensor running_var,
                  const BatchNormOptions& options) {
  return norm_block(x, gamma, beta, std::move(running_mean), std::move(running_var), {.norm = options}).output;
}

}  // namespace tessera
