#include <doctest/doctest.h>

#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/layer_gradcheck.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::message_of;
using tessera::test::random_tensor;
using tessera::test::set;

TEST_CASE("Conv2D makes Keras' parameters") {
  const Conv2D conv({.in_channels = 6, .filters = 4, .kernel_size = {3, 5}, .groups = 2});
  const auto named = conv.named_parameters();
  REQUIRE(named.size() == 2);
  CHECK(named[0].first == "kernel");
  CHECK(named[0].second.shape() == Shape{3, 5, 3, 4});
  CHECK(named[1].first == "bias");
  CHECK(named[1].second.shape() == Shape{4});
  CHECK(named[1].second.at({3}) == 0);
  CHECK(Conv2D({.in_channels = 6, .filters = 4, .kernel_size = 1, .use_bias = false}).parameters().size() == 1);
}

TEST_CASE("Conv2D computes a convolution a reader can check") {
  Conv2D conv({.in_channels = 1, .filters = 1, .kernel_size = 2});
  set(conv, "kernel", {1, 10, 100, 1000});
  set(conv, "bias", {0.5});
  const Tensor y = conv(Tensor::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {1, 2, 3, 1}));
  CHECK(y.shape() == Shape{1, 1, 2, 1});
  CHECK(y.at({0, 0, 0, 0}) == 5421.5);
  CHECK(y.at({0, 0, 1, 0}) == 6532.5);
}

TEST_CASE("Conv2D's sizes follow padding, strides and dilation") {
  const auto size = [](Conv2DOptions options) {
    options.in_channels = 2;
    options.filters = 3;
    return Conv2D(options)(Tensor::zeros({1, 9, 12, 2})).shape();
  };
  CHECK(size({.kernel_size = 3}) == Shape{1, 7, 10, 3});
  CHECK(size({.kernel_size = 3, .strides = 2, .padding = same}) == Shape{1, 5, 6, 3});
  CHECK(size({.kernel_size = {3, 1}, .strides = {1, 2}, .padding = 1}) == Shape{1, 9, 7, 3});
  CHECK(size({.kernel_size = 3, .padding = Sides{0, 2, 1, 0}}) == Shape{1, 9, 11, 3});
  CHECK(size({.kernel_size = 3, .dilation_rate = 3}) == Shape{1, 3, 6, 3});
}

TEST_CASE("Conv2D with channels first gives the same numbers in the other order") {
  Conv2D last({.in_channels = 3, .filters = 2, .kernel_size = 3, .activation = activation::relu});
  Conv2D first({.in_channels = 3,
                .filters = 2,
                .kernel_size = 3,
                .data_format = channels_first,
                .activation = activation::relu});
  const Tensor x = random_tensor({2, 5, 4, 3}, 1, f32);
  const Tensor y = last(x);
  const Tensor z = first(from_channels_last(x, channels_first));
  CHECK(z.shape() == Shape{2, 2, 3, 2});
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t c = 0; c < 2; ++c) CHECK(z.at({n, c, 2, 1}) == y.at({n, 2, 1, c}));
  CHECK(message_of<ShapeError>([&] {
          first(Tensor::zeros({3, 5, 4}));
        }) == "channels_first: expected an input [N, C, H, W], got [3, 5, 4]");
}

TEST_CASE("Conv2D's parameters carry what was asked for") {
  const Conv2D conv({.in_channels = 1,
                     .filters = 2,
                     .kernel_size = 1,
                     .kernel_initializer = initializer::constant(-3),
                     .bias_initializer = initializer::ones(),
                     .kernel_constraint = constraint::non_neg()});
  const auto parameters = conv.parameters();
  CHECK(parameters[0].tensor.at({0, 0, 0, 1}) == -3);
  CHECK(parameters[1].tensor.at({1}) == 1);
  Tensor kernel = parameters[0].tensor;
  parameters[0].constraint(kernel);
  CHECK(kernel.at({0, 0, 0, 1}) == 0);
  CHECK_FALSE(parameters[1].constraint);
}

TEST_CASE("Conv2D says which option is missing or wrong, when it is made") {
  const auto error = [](const Conv2DOptions& options) {
    return message_of<Error>([&] { const Conv2D conv(options); });
  };
  CHECK(error({}) == "Conv2D: .in_channels (channels of the input) is required and must be 1 or more, got 0");
  CHECK(error({.in_channels = 3}) ==
        "Conv2D: .filters (channels of the output) is required and must be 1 or more, got 0");
  CHECK(error({.in_channels = 3, .filters = -2}) ==
        "Conv2D: .filters (channels of the output) is required and must be 1 or more, got -2");
  CHECK(error({.in_channels = 3, .filters = 2}) ==
        "Conv2D: .kernel_size (height and width of the kernel) is required and must be 1 or more, got 0");
  CHECK(error({.in_channels = 3, .filters = 2, .kernel_size = {3, 0}}) ==
        "Conv2D: .kernel_size (height and width of the kernel) is required and must be 1 or more, got 0");
  CHECK(error({.in_channels = 12, .filters = 8, .kernel_size = 3, .groups = 3}) ==
        "Conv2D: .groups = 3 must divide .in_channels = 12 and .filters = 8; the nearest that does is 2");
  CHECK_THROWS_AS(Conv2D({.in_channels = 1, .filters = 1, .kernel_size = 3, .strides = 0}), ShapeError);
  CHECK_THROWS_AS(Conv2D({.in_channels = 1, .filters = 1, .kernel_size = 3, .dilation_rate = {1, 0}}), ShapeError);
}

TEST_CASE("an input that does not fit is an error that begins with the layer's path") {
  Module encoder, root;
  Conv2D conv = encoder.add("conv2", Conv2D({.in_channels = 16, .filters = 32, .kernel_size = 3}));
  root.add("encoder", encoder);
  CHECK(message_of<ShapeError>([&] {
          conv(Tensor::zeros({8, 64, 64, 3}));
        }) ==
        "encoder.conv2: expected input [N, H, W, 16] for kernel [3, 3, 16, 32], got [8, 64, 64, 3]: 3 channels instead "
        "of "
        "16");
}

TEST_CASE("Conv2D passes gradcheck") {
  const auto check = [](const Conv2DOptions& options) {
    Conv2D conv(options);
    const GradcheckReport report = gradcheck(conv, random_tensor({2, 5, 6, options.in_channels}));
    CHECK_MESSAGE(report.passed, report.str());
  };
  check({.in_channels = 3, .filters = 2, .kernel_size = 3, .padding = same, .activation = activation::tanh});
  check({.in_channels = 2, .filters = 4, .kernel_size = {2, 3}, .strides = {1, 2}, .dilation_rate = 2, .groups = 2});
  check(
      {.in_channels = 4, .filters = 4, .kernel_size = 3, .padding = Sides{1, 0, 2, 1}, .groups = 4, .use_bias = false});
}
