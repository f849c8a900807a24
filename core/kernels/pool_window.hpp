#pragma once

#include <algorithm>
#include <tessera/core/conv_geometry.hpp>

namespace tessera::kernels {

/// The part of one axis of a pooling window that lies inside the image.
struct WindowRange {
  std::int64_t begin, end;
  std::int64_t size() const { return end - begin; }
};

inline WindowRange window_range(std::int64_t output, std::int64_t stride, std::int64_t pad, std::int64_t kernel,
                                std::int64_t input) {
  const std::int64_t first = output * stride - pad;
  return {std::max<std::int64_t>(first, 0), std::min(first + kernel, input)};
}

inline WindowRange window_rows(const ConvGeometry& g, std::int64_t output_row) {
  return window_range(output_row, g.stride.height, g.pad.top, g.kernel.height, g.input.height);
}

inline WindowRange window_columns(const ConvGeometry& g, std::int64_t output_column) {
  return window_range(output_column, g.stride.width, g.pad.left, g.kernel.width, g.input.width);
}

/// The outputs of one axis whose windows hold the input pixel.
inline WindowRange windows_over(std::int64_t input, std::int64_t stride, std::int64_t pad, std::int64_t kernel,
                                std::int64_t output) {
  const std::int64_t first = input + pad - kernel + 1;
  return {first <= 0 ? 0 : (first + stride - 1) / stride, std::min((input + pad) / stride + 1, output)};
}

}  // namespace tessera::kernels
