#include "conv_cases.hpp"

#include <functional>
#include <tessera/core/random.hpp>

namespace tessera::test {

const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases{
      {"1x1", 2, {5, 7}, 3, 4, 1},
      {"1x1 to many", 1, {9, 4}, 20, 37, 1},
      {"1x1 to one", 2, {3, 7}, 5, 1, 1},
      {"1x1, many pixels", 1, {47, 51}, 3, 4, 1},
      {"1x1, groups 3", 1, {5, 5}, 18, 6, 1, {.groups = 3}},
      {"3x3 same", 2, {9, 11}, 4, 16, 3, {.padding = same}},
      {"3x3 pad 1, first layer", 2, {13, 17}, 3, 16, 3, {.padding = 1}},
      {"3x3 valid", 3, {7, 19}, 8, 24, 3},
      {"3x3 deep", 1, {8, 8}, 33, 65, 3, {.padding = 1}},
      {"3x3 many rows", 1, {40, 6}, 5, 7, 3, {.padding = 1}},
      {"3x3 wide", 1, {3, 70}, 2, 9, 3, {.padding = 1}},
      {"3x3, 6 filters, long rows", 1, {6, 61}, 5, 6, 3, {.padding = 1}},
      {"3x3, 5 filters, rows beyond the L1 cache", 1, {29, 163}, 3, 5, 3, {.padding = 1}},
      {"3x1, rows of 16 KiB", 1, {70, 4100}, 1, 1, {3, 1}, {.padding = same}},
      {"3x3, 12 filters of 2 channels", 2, {9, 21}, 2, 12, 3, {.padding = 1}},
      {"3x5, 20 filters of 3 channels", 1, {10, 23}, 3, 20, {3, 5}, {.padding = same}},
      {"3x3 to one", 2, {7, 21}, 6, 1, 3, {.padding = 1}},
      {"3x3, 20 filters, long rows", 1, {6, 63}, 9, 20, 3, {.padding = same}},
      {"5x3 same", 2, {8, 9}, 6, 10, {5, 3}, {.padding = same}},
      {"7x7 same", 1, {12, 10}, 3, 8, 7, {.padding = same}},
      {"7x4, 18 filters", 2, {13, 15}, 16, 18, {7, 4}, {.padding = 2}},
      {"5x5 dilation 2", 1, {17, 15}, 17, 12, 5, {.padding = same, .dilation_rate = 2}},
      {"7x7 stride 2", 1, {21, 18}, 12, 16, 7, {.strides = 2, .padding = 3}},
      {"2x2 same, even kernel", 1, {6, 5}, 4, 4, 2, {.padding = same}},
      {"4x4 stride 2", 2, {12, 14}, 6, 8, 4, {.strides = 2, .padding = 1}},
      {"3x3 stride 2 pad 1", 2, {15, 16}, 8, 16, 3, {.strides = 2, .padding = 1}},
      {"3x3 stride 2 same", 1, {10, 11}, 5, 6, 3, {.strides = 2, .padding = same}},
      {"3x3 stride 2 deep", 2, {31, 34}, 33, 18, 3, {.strides = 2, .padding = 1}},
      {"5x5 stride 2 deep", 1, {23, 21}, 17, 33, 5, {.strides = 2, .padding = 2}},
      {"5x4 stride 2", 1, {21, 18}, 8, 12, {5, 4}, {.strides = 2, .padding = 2}},
      {"5x3 stride 2", 1, {13, 18}, 16, 8, {5, 3}, {.strides = 2, .padding = same}},
      {"3x2 stride 2", 1, {13, 18}, 16, 8, {3, 2}, {.strides = 2, .padding = 1}},
      {"2x2 stride 2", 2, {8, 12}, 16, 8, 2, {.strides = 2}},
      {"1x1 stride 2, kernel below stride", 1, {9, 9}, 4, 6, 1, {.strides = 2}},
      {"2x3 strides 3x4, kernel below stride", 2, {11, 13}, 3, 5, {2, 3}, {.strides = {3, 4}}},
      {"5x5 stride 3 same", 1, {14, 16}, 4, 4, 5, {.strides = 3, .padding = same}},
      {"4x4 stride 2, more filters than channels", 1, {33, 30}, 3, 12, 4, {.strides = 2, .padding = 1}},
      {"8x8 stride 4", 1, {25, 28}, 2, 3, 8, {.strides = 4, .padding = 2}},
      {"6x5 strides 3x2, dilation 2x1",
       2,
       {20, 19},
       5,
       2,
       {6, 5},
       {.strides = {3, 2}, .padding = 2, .dilation_rate = {2, 1}}},
      {"3x3 dilation 2", 2, {11, 12}, 4, 8, 3, {.padding = same, .dilation_rate = 2}},
      {"3x2 dilation 1x3", 1, {9, 14}, 6, 9, {3, 2}, {.dilation_rate = {1, 3}}},
      {"3x3 stride 2 dilation 2", 2, {13, 14}, 4, 6, 3, {.strides = 2, .padding = 2, .dilation_rate = 2}},
      {"3x3 stride 2 dilation 3", 1, {15, 17}, 3, 5, 3, {.strides = 2, .padding = 3, .dilation_rate = 3}},
      {"3x3 stride 4 dilation 2", 1, {19, 18}, 2, 3, 3, {.strides = 4, .padding = 1, .dilation_rate = 2}},
      {"groups 2", 2, {7, 8}, 6, 8, 3, {.padding = 1, .groups = 2}},
      {"5 groups of 7", 1, {6, 9}, 35, 35, 3, {.padding = 1, .groups = 5}},
      {"groups 3 stride 2", 1, {9, 8}, 9, 6, 3, {.strides = 2, .padding = 1, .groups = 3}},
      {"depthwise", 2, {8, 9}, 10, 10, 3, {.padding = 1, .groups = 10}},
      {"depthwise, two filters a channel", 1, {6, 7}, 4, 8, 3, {.padding = same, .groups = 4}},
      {"depthwise, wide, stride 2", 1, {6, 140}, 20, 20, 3, {.strides = 2, .padding = 1, .groups = 20}},
      {"depthwise, 20 channels, long rows", 1, {3, 31}, 20, 20, 3, {.padding = same, .groups = 20}},
      {"depthwise, 40 channels, rows in three parts", 1, {3, 130}, 40, 40, 3, {.padding = 1, .groups = 40}},
      {"depthwise, 37 channels, 5x5", 2, {6, 19}, 37, 37, 5, {.padding = 2, .groups = 37}},
      {"depthwise, 40 channels, 3x7", 1, {5, 7}, 40, 40, {3, 7}, {.padding = same, .groups = 40}},
      {"depthwise, 37 channels, stride 3x2, dilation 2x1",
       1,
       {9, 20},
       37,
       37,
       {2, 3},
       {.strides = {3, 2}, .padding = 2, .dilation_rate = {2, 1}, .groups = 37}},
      {"groups 3, wide, stride 1x2", 1, {3, 150}, 9, 6, 3, {.strides = {1, 2}, .padding = 1, .groups = 3}},
      {"one pad a side", 1, {5, 6}, 3, 4, 3, {.padding = Sides{2, 0, 0, 1}}},
      {"kernel as large as the image", 2, {4, 5}, 3, 6, {4, 5}},
      {"one pixel", 3, {1, 1}, 7, 5, 3, {.padding = 1}},
      {"one channel", 1, {10, 10}, 1, 1, 3, {.padding = same}},
      {"zero batch", 0, {4, 4}, 2, 3, 3, {.padding = 1}},
  };
  return cases;
}

Tensor small_integers(const Shape& shape, std::uint64_t seed, DType dtype) {
  Tensor values = Tensor::empty(shape, f64);
  const RandomStream random(seed, stream_of("small integers"));
  double* out = values.mutable_data<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    out[i] = static_cast<double>(random.integer(static_cast<std::uint64_t>(i), 9) - 4);
  return values.to(dtype);
}

namespace {

using std::int64_t;

/// Calls `f(input offset, kernel offset, output offset)` for every multiplication of the convolution.
void for_each_product(const ConvGeometry& g, const std::function<void(int64_t, int64_t, int64_t)>& f) {
  const int64_t in_group = g.in_channels / g.groups, out_group = g.out_channels / g.groups;
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.output.height; ++oy)
      for (int64_t ox = 0; ox < g.output.width; ++ox)
        for (int64_t o = 0; o < g.out_channels; ++o)
          for (int64_t ky = 0; ky < g.kernel.height; ++ky)
            for (int64_t kx = 0; kx < g.kernel.width; ++kx) {
              const int64_t y = oy * g.stride.height - g.pad.top + ky * g.dilation.height;
              const int64_t x = ox * g.stride.width - g.pad.left + kx * g.dilation.width;
              if (y < 0 || y >= g.input.height || x < 0 || x >= g.input.width) continue;
              for (int64_t c = 0; c < in_group; ++c)
                f(((n * g.input.height + y) * g.input.width + x) * g.in_channels + o / out_group * in_group + c,
                  ((ky * g.kernel.width + kx) * in_group + c) * g.out_channels + o,
                  ((n * g.output.height + oy) * g.output.width + ox) * g.out_channels + o);
            }
}

}  // namespace

Tensor reference_conv(const ConvGeometry& g, const Tensor& input, const Tensor& kernel) {
  Tensor result = Tensor::zeros(g.output_shape(), f64);
  double* y = result.mutable_data<double>();
  const double *x = input.data<double>(), *w = kernel.data<double>();
  for_each_product(g, [=](int64_t i, int64_t k, int64_t o) { y[o] += x[i] * w[k]; });
  return result;
}

Tensor reference_input_gradient(const ConvGeometry& g, const Tensor& grad_output, const Tensor& kernel) {
  Tensor result = Tensor::zeros(g.input_shape(), f64);
  double* x = result.mutable_data<double>();
  const double *y = grad_output.data<double>(), *w = kernel.data<double>();
  for_each_product(g, [=](int64_t i, int64_t k, int64_t o) { x[i] += y[o] * w[k]; });
  return result;
}

Tensor reference_kernel_gradient(const ConvGeometry& g, const Tensor& input, const Tensor& grad_output) {
  Tensor result = Tensor::zeros(g.kernel_shape(), f64);
  double* w = result.mutable_data<double>();
  const double *x = input.data<double>(), *y = grad_output.data<double>();
  for_each_product(g, [=](int64_t i, int64_t k, int64_t o) { w[k] += x[i] * y[o]; });
  return result;
}

}  // namespace tessera::test
