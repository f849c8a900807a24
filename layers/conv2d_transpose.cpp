#include <tessera/core/ops/conv2d.hpp>
#include <tessera/layers/conv2d_transpose.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {
namespace {

ConvTransposeOptions op_options(const Conv2DTransposeOptions& options, std::optional<Size2D> output_size) {
  // A size asked for takes the place of output_padding.
  return {.strides = options.strides,
          .padding = options.padding,
          .output_padding = output_size ? std::nullopt : options.output_padding,
          .dilation_rate = options.dilation_rate,
          .groups = options.groups,
          .output_size = output_size};
}

}  // namespace

Conv2DTranspose::Conv2DTranspose(Conv2DTransposeOptions options) : options_(std::move(options)) {
  const auto& o = options_;
  detail::require_positive("Conv2DTranspose", "in_channels", "channels of the input", o.in_channels);
  detail::require_positive("Conv2DTranspose", "filters", "channels of the output", o.filters);
  detail::require_positive("Conv2DTranspose", "kernel_size", "height and width of the kernel", o.kernel_size);
  detail::require_groups("Conv2DTranspose", o.groups, {{"in_channels", o.in_channels}, {"filters", o.filters}});
  const Shape kernel{o.kernel_size.height, o.kernel_size.width, o.filters / o.groups, o.in_channels};
  constexpr std::int64_t ample = 1 << 24;
  conv2d_transpose_geometry({1, ample, ample, o.in_channels}, kernel,
                            op_options(o, std::nullopt));  // refuses bad options
  kernel_ = add_parameter("kernel", kernel, {o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint});
  if (o.use_bias) add_parameter("bias", {o.filters}, {o.bias_initializer, o.bias_regularizer, o.bias_constraint});
}

Tensor Conv2DTranspose::run(const Tensor& x, std::optional<Size2D> output_size, Activation activation) {
  const Tensor y = conv2d_transpose(to_channels_last(x, options_.data_format), kernel_, own("bias"),
                                    op_options(options_, output_size), activation);
  add_activity_penalty(options_.activity_regularizer, y);
  return from_channels_last(y, options_.data_format);
}

}  // namespace tessera
