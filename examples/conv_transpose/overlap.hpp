#pragma once

#include <cstdint>
#include <vector>

#include "options.hpp"

namespace conv_transpose {

/// One axis of a transposed convolution.
struct Axis {
  std::int64_t input = 0, kernel = 0, stride = 1, dilation = 1;
  Padding padding = valid;  ///< top and bottom are this axis' sides
  std::optional<std::int64_t> output_padding = std::nullopt;
};

Axis height_of(const Options& options);
Axis width_of(const Options& options);

/// The library's geometry of one axis; its heights are the axis' sizes.
ConvGeometry geometry_of(const Axis& axis);

/// How many input pixels reach each output pixel along the axis: the layer run on ones.
std::vector<std::int64_t> reach(const Axis& axis);

/// True where, away from the border, the same number of input pixels reaches every output pixel.
bool even_overlap(std::int64_t kernel, std::int64_t stride, std::int64_t dilation);

/// The nearest kernel sizes, below and above, that overlap evenly; empty where the dilation rate allows none.
std::vector<std::int64_t> nearest_even_kernels(std::int64_t kernel, std::int64_t stride, std::int64_t dilation);

}  // namespace conv_transpose
