#include <doctest/doctest.h>

#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_route.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/simd_target.hpp>

#include "tests/support/conv_cases.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// One case in the three directions by the library's kernels, in T.
template <class T>
struct ConvResults {
  Tensor output, input_gradient, kernel_gradient;

  ConvResults(const ConvGeometry& g, const Tensor& x, const Tensor& w, const Tensor& y)
      : output(Tensor::empty(g.output_shape(), dtype_of<T>)),
        input_gradient(Tensor::empty(g.input_shape(), dtype_of<T>)),
        kernel_gradient(Tensor::empty(g.kernel_shape(), dtype_of<T>)) {
    kernels::conv_forward<T>(g, x.data<T>(), w.data<T>(), {}, output.mutable_data<T>());
    kernels::conv_backward_input<T>(g, y.data<T>(), w.data<T>(), {}, input_gradient.mutable_data<T>());
    kernels::conv_backward_kernel<T>(g, x.data<T>(), y.data<T>(), kernel_gradient.mutable_data<T>());
  }
};

/// Numbers of every sign and many digits, at most 1.
Tensor waves(const Shape& shape, double step) {
  Tensor values = Tensor::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.mutable_data<float>()[i] = static_cast<float>(std::sin(step * static_cast<double>(i)));
  return values;
}

/// The same with a bias and leaky relu of slope 0.5, which is exact.
Tensor rectified(const Tensor& sums, const Tensor& bias) {
  Tensor result = sums.clone();
  auto* values = result.mutable_data<double>();
  const std::int64_t channels = bias.numel();
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    values[i] += bias.data<double>()[i % channels];
    if (values[i] < 0) values[i] /= 2;
  }
  return result;
}

/// What both directions should give with an epilogue is at most `bound` away.
template <class T>
void check_epilogue(const ConvGeometry& g, const Tensor& x, const Tensor& w, const Tensor& y, double bound = 0) {
  const Tensor bias = small_integers({std::max(g.in_channels, g.out_channels)}, 4);
  const Tensor in_T = bias.to(dtype_of<T>), x_T = x.to(dtype_of<T>), w_T = w.to(dtype_of<T>), y_T = y.to(dtype_of<T>);
  const kernels::Epilogue<T> epilogue{in_T.data<T>(), true, T{0.5}};
  Tensor output = Tensor::empty(g.output_shape(), dtype_of<T>), input = Tensor::empty(g.input_shape(), dtype_of<T>);
  kernels::conv_forward<T>(g, x_T.data<T>(), w_T.data<T>(), epilogue, output.mutable_data<T>());
  kernels::conv_backward_input<T>(g, y_T.data<T>(), w_T.data<T>(), epilogue, input.mutable_data<T>());
  const Tensor expected = rectified(reference_conv(g, x, w), slice(bias, 0, 0, g.out_channels)),
               expected_input = rectified(reference_input_gradient(g, y, w), slice(bias, 0, 0, g.in_channels));
  CHECK(difference(output.to(f64), expected) <= bound);
  CHECK(difference(input.to(f64), expected_input) <= bound);
}

template <class T>
void check_case(const ConvCase& c) {
  const Shape input{c.batch, c.input.height, c.input.width, c.in_channels};
  const Shape kernel{c.kernel.height, c.kernel.width, c.in_channels / c.options.groups, c.filters};
  const ConvGeometry g = conv2d_geometry(input, kernel, c.options);
  const Tensor x = small_integers(input, 1), w = small_integers(kernel, 2), y = small_integers(g.output_shape(), 3);
  const ConvResults<T> results(g, x.to(dtype_of<T>), w.to(dtype_of<T>), y.to(dtype_of<T>));
  CHECK(same_numbers(results.output, reference_conv(g, x, w)));
  CHECK(same_numbers(results.input_gradient, reference_input_gradient(g, y, w)));
  CHECK(same_numbers(results.kernel_gradient, reference_kernel_gradient(g, x, y)));
  check_epilogue<T>(g, x, w, y);
}

}  // namespace

TEST_CASE("convolution kernels equal the reference loops exactly, on every SIMD target, in both float types") {
  for (const ConvPlan plan : {ConvPlan::direct, ConvPlan::flat, ConvPlan::planar, ConvPlan::permuted, ConvPlan::dots}) {
    set_conv_plan(plan);
    for (const std::string& target : simd_targets()) {
      set_simd_target(target);
      CHECK(simd_target() == target);
      for (const ConvCase& c : conv_cases()) {
        CAPTURE(plan);
        CAPTURE(target);
        CAPTURE(c.name);
        check_case<float>(c);
        check_case<double>(c);
      }
    }
  }
  set_simd_target("");
  set_conv_plan(ConvPlan::automatic);
}

namespace {

double largest(const Tensor& values) { return difference(values, Tensor::zeros(values.shape(), values.dtype())); }

/// Sum of |kernel| over all that one result of the convolution, or one of its input gradient, adds up; the larger one.
double largest_kernel_sum(const ConvGeometry& g, const Tensor& kernel) {
  Tensor ones = Tensor::ones(g.input_shape(), f64), sizes = kernel.clone();
  for (std::int64_t i = 0; i < sizes.numel(); ++i) sizes.mutable_data<double>()[i] = std::abs(sizes.data<double>()[i]);
  return std::max(largest(reference_conv(g, ones, sizes)),
                  largest(reference_input_gradient(g, Tensor::ones(g.output_shape(), f64), sizes)));
}

}  // namespace

TEST_CASE("Winograd stays within its error bound of the double result, on every SIMD target") {
  set_conv_plan(ConvPlan::winograd);
  constexpr double rounding = 0x1p-24, factor = 40;  // large images come to 30
  std::size_t tried = 0, strided = 0, dilated = 0;
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const ConvCase& c : conv_cases()) {
      const Shape kernel{c.kernel.height, c.kernel.width, c.in_channels / c.options.groups, c.filters};
      const ConvGeometry g =
          conv2d_geometry({c.batch, c.input.height, c.input.width, c.in_channels}, kernel, c.options);
      const bool fits = kernels::conv_route<float>({g, true}) != kernels::ConvRoute::direct,
                 fits_backward = kernels::conv_route<float>({g, false}) != kernels::ConvRoute::direct;
      if ((!fits && !fits_backward) || c.batch == 0) continue;
      CAPTURE(target);
      CAPTURE(c.name);
      tried += fits;
      strided += fits && g.stride != Size2D(1);
      dilated += fits && g.stride == Size2D(1) && g.dilation != Size2D(1);
      const Tensor x = waves(g.input_shape(), 0.7), w = waves(kernel, 1.3), y = waves(g.output_shape(), 0.9);
      const Tensor x64 = x.to(f64), w64 = w.to(f64), y64 = y.to(f64);
      const ConvResults<float> results(g, x, w, y);
      const double bound = factor * rounding * largest_kernel_sum(g, w64);
      CHECK(difference(results.output.to(f64), reference_conv(g, x64, w64)) < bound);
      CHECK(difference(results.input_gradient.to(f64), reference_input_gradient(g, y64, w64)) < bound);
      const double pixels = static_cast<double>(g.batch * g.output.height * g.output.width);
      CHECK(difference(results.kernel_gradient.to(f64), reference_kernel_gradient(g, x64, y64)) <
            factor * rounding * pixels);
      check_epilogue<float>(g, x64, w64, y64, bound + 1e-6);  // the bias is rounded, too
    }
  }
  CHECK(tried >= 9 * simd_targets().size());
  CHECK(strided >= 5 * simd_targets().size());
  CHECK(dilated >= 2 * simd_targets().size());
  set_simd_target("");
  set_conv_plan(ConvPlan::automatic);
}

TEST_CASE("Winograd of deep layers, whose weights and tiles are taken in parts, stays within its error bound") {
  const int before = num_threads();
  const std::int64_t deep = 260, filters = 70;
  struct Layer {
    Shape input;
    std::int64_t filters;
    ConvOptions options;
  };
  const Layer layers[] = {
      {{5, 34, 33, deep}, filters, {.padding = 1}},                // more tiles than are transformed at once
      {{2, 20, 18, deep}, filters, {.padding = 1}},                // fewer
      {{1, 44, 76, 128}, 16, {.padding = 1}},                      // a tile more than would fill 15 of 16 units
      {{2, 33, 34, filters}, deep, {.strides = 2, .padding = 1}},  // phases
  };
  for (const Layer& layer : layers) {
    const Shape& input = layer.input;
    const ConvGeometry g = conv2d_geometry(input, {3, 3, input.size(-1), layer.filters}, layer.options);
    const Tensor x = waves(g.input_shape(), 0.7), w = waves(g.kernel_shape(), 1.3), y = waves(g.output_shape(), 0.9);
    const ConvResults<double> exact(g, x.to(f64), w.to(f64), y.to(f64));
    const double rounding = 16 * 0x1p-24, pixels = static_cast<double>(g.batch * g.output.height * g.output.width);
    set_conv_plan(ConvPlan::winograd);
    for (const std::string& target : simd_targets()) {
      CAPTURE(target);
      CAPTURE(g.in_channels);  // a lambda cannot hold the binding of the shape in clang 14
      CAPTURE(g.batch);
      set_simd_target(target);
      const ConvResults<float> results(g, x, w, y);
      CHECK(difference(results.output.to(f64), exact.output) < rounding * 9 * deep);
      CHECK(difference(results.input_gradient.to(f64), exact.input_gradient) < rounding * 9 * deep);
      CHECK(difference(results.kernel_gradient.to(f64), exact.kernel_gradient) < rounding * pixels);
      if (target != simd_targets().front()) continue;
      set_num_threads(before == 3 ? 2 : 3);
      const ConvResults<float> again(g, x, w, y);
      set_num_threads(before);
      CHECK(same_numbers(results.output, again.output));
      CHECK(same_numbers(results.input_gradient, again.input_gradient));
      CHECK(same_numbers(results.kernel_gradient, again.kernel_gradient));
    }
    set_simd_target("");
    set_conv_plan(ConvPlan::automatic);
  }
}

TEST_CASE("convolution kernels give the same bits on 1, 2, 3 and 8 threads") {
  const int before = num_threads();
  for (const ConvPlan plan : {ConvPlan::automatic, ConvPlan::winograd, ConvPlan::flat, ConvPlan::planar,
                              ConvPlan::permuted, ConvPlan::dots, ConvPlan::direct}) {
    set_conv_plan(plan);
    for (const auto& [stride, sources] : {std::pair{1, 11}, std::pair{2, 11}, std::pair{1, 3}}) {
      const ConvGeometry g =
          conv2d_geometry({2, 37, 41, sources}, {3, 3, sources, 19}, {.strides = stride, .padding = 1});
      const Tensor x = waves(g.input_shape(), 0.7), w = waves(g.kernel_shape(), 1.3), y = waves(g.output_shape(), 0.9);
      set_num_threads(1);
      const ConvResults<float> one(g, x, w, y);
      for (const int threads : {2, 3, 8}) {
        set_num_threads(threads);
        const ConvResults<float> many(g, x, w, y);
        CHECK(same_numbers(one.output, many.output));
        CHECK(same_numbers(one.input_gradient, many.input_gradient));
        CHECK(same_numbers(one.kernel_gradient, many.kernel_gradient));
      }
    }
  }
  set_conv_plan(ConvPlan::automatic);
  set_num_threads(before);
}

TEST_CASE("convolutions of images without a row give nothing, under every plan") {
  for (const ConvPlan plan :
       {ConvPlan::automatic, ConvPlan::direct, ConvPlan::flat, ConvPlan::planar, ConvPlan::permuted, ConvPlan::dots}) {
    set_conv_plan(plan);
    const ConvGeometry g = conv2d_geometry({1, 0, 4, 2}, {3, 3, 1, 2}, {.padding = 2, .groups = 2});
    const Tensor x = Tensor::zeros(g.input_shape()), w = Tensor::ones(g.kernel_shape());
    const Tensor y = Tensor::ones(g.output_shape());
    const ConvResults<float> results(g, x, w, y);
    CHECK(difference(results.kernel_gradient, Tensor::zeros(g.kernel_shape())) == 0);
  }
  set_conv_plan(ConvPlan::automatic);
}
