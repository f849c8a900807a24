// Large results are stored past the caches: two images together are large, each by itself is not, and gives the same
// bits.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <tessera/core/conv_plan.hpp>
#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/simd_target.hpp>
#include <vector>

#include "tests/support/conv_cases.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

constexpr std::int64_t height = 272, width = 260, channels = 16;  // 4.3 MiB an image

std::vector<float> wave_values(std::int64_t count, double step) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(std::sin(step * static_cast<double>(i % 10007)));
  return values;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data<float>(), b.data<float>(), static_cast<std::size_t>(a.numel()) * sizeof(float)) == 0;
}

/// run(images, first image, result) for both images at once and one after the other.
template <class Run>
void check_batches(const Shape& result_shape, Run&& run) {
  Shape both = result_shape;
  both[0] = 2;
  Tensor together = Tensor::zeros(both), apart = Tensor::zeros(both);
  run(2, 0, together.mutable_data<float>());
  for (std::int64_t image = 0; image < 2; ++image)
    run(1, image, apart.mutable_data<float>() + image * result_shape.numel());
  CHECK(same_bits(together, apart));
}

}  // namespace

TEST_CASE("large results of convolutions are those of smaller batches, on every SIMD target") {
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const ConvPlan plan : {ConvPlan::direct, ConvPlan::winograd})
      for (const std::int64_t stride : {1, 2}) {
        CAPTURE(target);
        CAPTURE(static_cast<int>(plan));
        CAPTURE(stride);
        set_conv_plan(plan);
        const auto geometry = [&](std::int64_t images) {
          return conv2d_geometry({images, height, width, channels}, {3, 3, channels, 32},
                                 {.strides = stride, .padding = 1});
        };
        const ConvGeometry one = geometry(1);
        const std::vector<float> x = wave_values(2 * one.input_shape().numel(), 0.7),
                                 w = wave_values(one.kernel_shape().numel(), 1.3),
                                 y = wave_values(2 * one.output_shape().numel(), 0.9);
        check_batches(one.output_shape(), [&](std::int64_t images, std::int64_t first, float* to) {
          kernels::conv_forward<float>(geometry(images), x.data() + first * one.input_shape().numel(), w.data(), {},
                                       to);
        });
        check_batches(one.input_shape(), [&](std::int64_t images, std::int64_t first, float* to) {
          kernels::conv_backward_input<float>(geometry(images), y.data() + first * one.output_shape().numel(), w.data(),
                                              {}, to);
        });
      }
  }
  set_simd_target("");
  set_conv_plan(ConvPlan::automatic);
}
