#include <doctest/doctest.h>

#include <tessera/layers/conv2d_transpose.hpp>
#include <tessera/layers/layer_gradcheck.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::message_of;
using tessera::test::random_tensor;
using tessera::test::set;

namespace {

Shape size(Conv2DTransposeOptions options) {
  options.in_channels = 3;
  options.filters = 3;
  return Conv2DTranspose(options)(Tensor::zeros({1, 4, 4, 3})).shape();
}

}  // namespace

TEST_CASE("Conv2DTranspose makes Keras' parameters") {
  const Conv2DTranspose up({.in_channels = 6, .filters = 4, .kernel_size = {3, 5}, .groups = 2});
  const auto named = up.named_parameters();
  REQUIRE(named.size() == 2);
  CHECK(named[0].first == "kernel");
  CHECK(named[0].second.shape() == Shape{3, 5, 2, 6});
  CHECK(named[1].second.shape() == Shape{4});
}

TEST_CASE("Conv2DTranspose lays the kernel down once for each input pixel, and tiles add") {
  Conv2DTranspose up({.in_channels = 1, .filters = 1, .kernel_size = {1, 3}, .strides = {1, 2}});
  set(up, "kernel", {1, 10, 100});
  set(up, "bias", {0.5});
  const Tensor y = up(Tensor::from({1.0F, 2.0F}, {1, 1, 2, 1}));
  CHECK(y.shape() == Shape{1, 1, 5, 1});
  const double expected[] = {1.5, 10.5, 102.5, 20.5, 200.5};
  for (std::int64_t x = 0; x < 5; ++x) CHECK(y.at({0, 0, x, 0}) == expected[x]);
}

TEST_CASE("Conv2DTranspose answers what gives 16x16 and what a 4x4 input with kernel 5 gives") {
  CHECK(size({.kernel_size = 4, .strides = 4}) == Shape{1, 16, 16, 3});
  CHECK(size({.kernel_size = 5, .strides = 4, .padding = same}) == Shape{1, 16, 16, 3});
  CHECK(size({.kernel_size = 13}) == Shape{1, 16, 16, 3});
  CHECK(size({.kernel_size = 5, .strides = 2, .padding = same}) == Shape{1, 8, 8, 3});
  CHECK(size({.kernel_size = 5, .strides = 3, .padding = same}) == Shape{1, 12, 12, 3});
  CHECK(size({.kernel_size = 5, .strides = 2, .output_padding = 1}) == Shape{1, 12, 12, 3});
  CHECK(size({.kernel_size = 3, .strides = 2, .padding = 1, .output_padding = 1}) == Shape{1, 8, 8, 3});
  CHECK(size({.kernel_size = 4, .strides = 2, .padding = same, .output_padding = 0}) == Shape{1, 6, 6, 3});
  CHECK(size({.kernel_size = 3, .strides = 2, .padding = Sides{0, 1, 2, 0}}) == Shape{1, 8, 7, 3});
  CHECK(size({.kernel_size = 2, .strides = 2, .dilation_rate = 3}) == Shape{1, 10, 10, 3});
}

TEST_CASE("Conv2DTranspose gives the output size that is asked for when it is called") {
  Conv2DTranspose up(
      {.in_channels = 2, .filters = 3, .kernel_size = 3, .strides = 2, .padding = 1, .output_padding = 1});
  const Tensor x = random_tensor({1, 4, 4, 2}, 1, f32);
  CHECK(up(x, {7, 8}).shape() == Shape{1, 7, 8, 3});
  const Tensor whole = up(x), cut = up(x, 7);
  CHECK(whole.shape() == Shape{1, 8, 8, 3});
  CHECK(cut.at({0, 6, 6, 2}) == whole.at({0, 6, 6, 2}));
  CHECK(message_of<ShapeError>([&] { up(x, 9); }) ==
        "conv2d_transpose: an output height of 9 was asked for, but input 4 gives only 7 to 8");
}

TEST_CASE("Conv2DTranspose with channels first gives the same numbers in the other order") {
  Conv2DTranspose last({.in_channels = 3, .filters = 2, .kernel_size = 3, .strides = 2});
  Conv2DTranspose first(
      {.in_channels = 3, .filters = 2, .kernel_size = 3, .strides = 2, .data_format = channels_first});
  const Tensor x = random_tensor({2, 5, 4, 3}, 1, f32);
  const Tensor y = last(x), z = first(from_channels_last(x, channels_first));
  CHECK(z.shape() == Shape{2, 2, 11, 9});
  CHECK(z.at({1, 1, 10, 3}) == y.at({1, 10, 3, 1}));
}

TEST_CASE("Conv2DTranspose says which option is missing or wrong, when it is made") {
  const auto error = [](const Conv2DTransposeOptions& options) {
    return message_of<Error>([&] { const Conv2DTranspose up(options); });
  };
  CHECK(error({.in_channels = 3}) ==
        "Conv2DTranspose: .filters (channels of the output) is required and must be 1 or more, got 0");
  CHECK(error({.in_channels = 6, .filters = 4, .kernel_size = 3, .groups = 4}) ==
        "Conv2DTranspose: .groups = 4 must divide .in_channels = 6 and .filters = 4; the nearest that does is 2");
  CHECK(error({.in_channels = 6, .filters = 4, .kernel_size = 3, .strides = 2, .output_padding = 2}) ==
        "conv2d_transpose: output_padding 2 on the height axis must be at least 0 and below the larger of stride 2 and "
        "dilation rate 1; the nearest valid value is 1");
}

TEST_CASE("Conv2DTranspose passes gradcheck") {
  const auto check = [](const Conv2DTransposeOptions& options) {
    Conv2DTranspose up(options);
    const GradcheckReport report = gradcheck(up, random_tensor({2, 3, 4, options.in_channels}));
    CHECK_MESSAGE(report.passed, report.str());
  };
  check({.in_channels = 3,
         .filters = 2,
         .kernel_size = 3,
         .strides = 2,
         .padding = same,
         .activation = activation::tanh});
  check({.in_channels = 2, .filters = 4, .kernel_size = {2, 3}, .strides = {3, 2}, .dilation_rate = 2, .groups = 2});
  check({.in_channels = 4,
         .filters = 4,
         .kernel_size = 3,
         .strides = 2,
         .padding = 1,
         .output_padding = 1,
         .groups = 4,
         .use_bias = false});
}
