#include <doctest/doctest.h>

#include <tessera/layers/activation_layer.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/dropout.hpp>
#include <tessera/layers/flatten.hpp>
#include <tessera/layers/linear.hpp>
#include <tessera/layers/sequential.hpp>
#include <tessera/layers/summary.hpp>
#include <tessera/models/make_model.hpp>

using namespace tessera;

namespace {

Sequential encoder_decoder() {
  Sequential stack(Conv2D({.in_channels = 3, .filters = 16, .kernel_size = 3, .strides = 2, .padding = same}), ReLU());
  stack.add("up",
            Conv2DTranspose({.in_channels = 16, .filters = 1000, .kernel_size = 4, .strides = 2, .padding = same}));
  return stack;
}

}  // namespace

TEST_CASE("the summary counts parameters and multiply-adds and knows the shapes") {
  Sequential stack = encoder_decoder();
  const Summary s = summary(stack, {1, 8, 8, 3});
  REQUIRE(s.layers.size() == 3);
  CHECK(s.layers[0].path == "0");
  CHECK(s.layers[0].type == "Conv2D");
  CHECK(s.layers[0].output == Shape{1, 4, 4, 16});
  CHECK(s.layers[0].parameters == 27 * 16 + 16);
  CHECK(s.layers[0].multiply_adds == 16 * 27 * 16);
  CHECK(s.layers[1].multiply_adds == 0);
  CHECK(s.layers[2].multiply_adds == 16 * 16 * 16 * 1000);
  CHECK(s.parameters == stack.parameter_count());
  CHECK(s.multiply_adds == 16 * 27 * 16 + 16 * 16 * 16 * 1000);
  CHECK(s.output == Shape{1, 8, 8, 1000});
}

TEST_CASE("the summary prints as a table") {
  Sequential stack = encoder_decoder();
  CHECK(summary(stack, {1, 8, 8, 3}).str() ==
        "layer  type             output             parameters    multiply-adds\n"
        "0      Conv2D           [1, 4, 4, 16]             448            6,912\n"
        "1      ReLU             [1, 4, 4, 16]               0                0\n"
        "up     Conv2DTranspose  [1, 8, 8, 1000]       257,000        4,096,000\n"
        "input [1, 8, 8, 3], output [1, 8, 8, 1000]: 257,448 parameters, 4,102,912 multiply-adds\n");
}

TEST_CASE("a block is listed as its parts, and the matrix product of Linear counted") {
  Sequential stack{
      ConvBlock({.convolution = Conv2DOptions{.in_channels = 3, .filters = 4, .kernel_size = 3}, .pool = 2}), Dropout(),
      Flatten(), Linear({.in_features = 36, .units = 5})};
  const Summary s = summary(stack, {2, 8, 8, 3});
  std::vector<std::string> rows;
  for (const LayerSummary& row : s.layers)
    rows.push_back(fmt::format("{} {} {} {}", row.path, row.type, row.output.str(), row.multiply_adds));
  CHECK(rows == std::vector<std::string>{"0 ConvBlock [2, 3, 3, 4] 0", "0.conv Conv2D [2, 6, 6, 4] 7776",
                                         "0.norm BatchNorm2D [2, 6, 6, 4] 0", "2 Flatten [2, 36] 0",
                                         "3 Linear [2, 5] 360"});
}

TEST_CASE("layers are listed in the order in which they run, not that in which they were added") {
  const auto model = make_model({.name = "unet", .classes = 2, .width = 2, .depth = 2});
  std::vector<std::string> rows;
  for (const LayerSummary& row : summary(*model, {1, 8, 8, 3}).layers)
    if (row.type == "Conv2D" || row.type == "Conv2DTranspose") rows.push_back(row.path);
  CHECK(rows == std::vector<std::string>{"encoder1.first.conv", "encoder1.second.conv", "encoder2.first.conv",
                                         "encoder2.second.conv", "bottom.first.conv", "bottom.second.conv", "up2",
                                         "decoder2.first.conv", "decoder2.second.conv", "up1", "decoder1.first.conv",
                                         "decoder1.second.conv", "head"});
}

TEST_CASE("tracing lists ops with their module's path and leaves the modes as they were") {
  Sequential stack = encoder_decoder();
  Module up = stack.child("up");
  up.eval();
  const Trace traced = trace(stack, {1, 8, 8, 3});
  REQUIRE(traced.ops.size() == 3);
  CHECK(traced.ops[0].name == "conv2d");
  CHECK(traced.ops[0].path == "0");
  CHECK(traced.ops[2].name == "conv2d_transpose");
  CHECK_FALSE(traced.ops[2].outputs[0].requires_grad());
  CHECK(stack.training());
  CHECK(stack.child("0").training());
  CHECK_FALSE(up.training());
}

TEST_CASE("a converted network is traced in its own type") {
  Sequential stack = encoder_decoder();
  stack.to(f64);
  CHECK(trace(stack, {1, 8, 8, 3}).ops[0].outputs[0].dtype() == f64);
}

TEST_CASE("the time of a module is that of its ops") {
  Sequential stack{
      ConvBlock({.convolution = Conv2DOptions{.in_channels = 3, .filters = 64, .kernel_size = 7, .padding = same}}),
      Dropout()};
  const std::map<std::string, double> seconds = module_seconds(stack, {1, 32, 32, 3}, 3);
  REQUIRE(seconds.size() == 2);  // the dropout runs no op
  CHECK(seconds.at("0.norm") > 0);
  CHECK(seconds.at("0.conv") > seconds.at("0.norm"));
  CHECK(stack.training());
}

TEST_CASE("a summary with times prints them in milliseconds and as shares") {
  Sequential stack = encoder_decoder();
  Summary s = summary(stack, {1, 8, 8, 3});
  s.layers[0].seconds = 0.0015;
  s.layers[2].seconds = 0.0045;
  const std::string text = s.str();
  CHECK(text.find("multiply-adds        ms    %\n") != std::string::npos);
  CHECK(text.find("            6,912      1.50   25\n") != std::string::npos);
  CHECK(text.find("                0\n") != std::string::npos);
}
