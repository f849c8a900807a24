#include "overlap.hpp"

#include <algorithm>
#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/conv2d.hpp>

namespace conv_transpose {
namespace {

ConvTransposeOptions op_options(const Axis& axis) {
  Padding padding = axis.padding;
  padding.sides.left = padding.sides.right = 0;
  ConvTransposeOptions options{.strides = {axis.stride, 1}, .padding = padding, .dilation_rate = {axis.dilation, 1}};
  if (axis.output_padding) options.output_padding = Size2D(*axis.output_padding, 0);
  return options;
}

}  // namespace

Axis height_of(const Options& options) {
  const auto& layer = options.layer;
  Axis axis{options.input.height, layer.kernel_size.height, layer.strides.height, layer.dilation_rate.height,
            layer.padding};
  if (layer.output_padding) axis.output_padding = layer.output_padding->height;
  return axis;
}

Axis width_of(const Options& options) {
  const auto& layer = options.layer;
  Padding padding = layer.padding;
  padding.sides.top = padding.sides.left;
  padding.sides.bottom = padding.sides.right;
  Axis axis{options.input.width, layer.kernel_size.width, layer.strides.width, layer.dilation_rate.width, padding};
  if (layer.output_padding) axis.output_padding = layer.output_padding->width;
  return axis;
}

ConvGeometry geometry_of(const Axis& axis) {
  return conv2d_transpose_geometry({1, axis.input, 1, 1}, {axis.kernel, 1, 1, 1}, op_options(axis));
}

std::vector<std::int64_t> reach(const Axis& axis) {
  const NoGrad no_grad;
  const Tensor sums =
      conv2d_transpose(Tensor::ones({1, axis.input, 1, 1}), Tensor::ones({axis.kernel, 1, 1, 1}), {}, op_options(axis));
  std::vector<std::int64_t> counts;
  for (const float sum : sums.span<float>()) counts.push_back(static_cast<std::int64_t>(sum));
  return counts;
}

bool even_overlap(std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
  const std::int64_t span = (kernel - 1) * dilation + 1;
  if (span < stride) return false;
  const std::int64_t tiles = (span + stride - 1) / stride;
  const auto counts = reach({tiles + 2, kernel, stride, dilation, valid, 0});
  const auto first = counts.begin() + tiles * stride;  // every tile that could reach these pixels is there
  return std::all_of(first, first + stride, [&](std::int64_t count) { return count == *first; });
}

std::vector<std::int64_t> nearest_even_kernels(std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
  std::vector<std::int64_t> kernels;
  const std::int64_t below = kernel / stride * stride;
  for (const std::int64_t candidate : {below, below + stride})
    if (candidate > 0 && candidate != kernel && even_overlap(candidate, stride, dilation)) kernels.push_back(candidate);
  return kernels;
}

}  // namespace conv_transpose
