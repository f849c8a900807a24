#include <tessera/core/ops/conv2d.hpp>
#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {
namespace {

ConvOptions op_options(const Conv2DOptions& options) {
  return {options.strides, options.padding, options.dilation_rate, options.groups};
}

}  // namespace

Conv2D::Conv2D(Conv2DOptions options) : options_(std::move(options)) {
  const auto& o = options_;
  detail::require_positive("Conv2D", "in_channels", "channels of the input", o.in_channels);
  detail::require_positive("Conv2D", "filters", "channels of the output", o.filters);
  detail::require_positive("Conv2D", "kernel_size", "height and width of the kernel", o.kernel_size);
  detail::require_groups("Conv2D", o.groups, {{"in_channels", o.in_channels}, {"filters", o.filters}});
  const Shape kernel{o.kernel_size.height, o.kernel_size.width, o.in_channels / o.groups, o.filters};
  constexpr std::int64_t ample = 1 << 24;
  conv2d_geometry({1, ample, ample, o.in_channels}, kernel,
                  op_options(o));  // refuses bad options here, not when called
  kernel_ = add_parameter("kernel", kernel, {o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint});
  if (o.use_bias) add_parameter("bias", {o.filters}, {o.bias_initializer, o.bias_regularizer, o.bias_constraint});
}

Tensor Conv2D::run(std::vector<Tensor> parts, Activation activation) {
  for (Tensor& part : parts) part = to_channels_last(part, options_.data_format);
  const Tensor y = conv2d_concat(std::move(parts), kernel_, own("bias"), op_options(options_), activation);
  add_activity_penalty(options_.activity_regularizer, y);
  return from_channels_last(y, options_.data_format);
}

}  // namespace tessera
