#include <doctest/doctest.h>

#include <tessera/core/arena.hpp>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/conv2d.hpp>

#include "tests/support/conv_cases.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

Size2D size_of_json(const nlohmann::json& pair) { return {pair[0].get<std::int64_t>(), pair[1].get<std::int64_t>()}; }

std::optional<Size2D> optional_size(const nlohmann::json& pair) {
  return pair.is_null() ? std::nullopt : std::optional(size_of_json(pair));
}

Padding padding_of_json(const nlohmann::json& padding) {
  if (padding == "same") return same;
  if (padding == "valid") return valid;
  return Sides{padding[0], padding[1], padding[2], padding[3]};
}

using ConvOp =
    std::function<Tensor(const Tensor& x, const Tensor& kernel, const Tensor& bias, const nlohmann::json& options)>;

/// Output and all gradients of every case in a golden file, exactly, in both float types.
void check_golden(const char* file, const ConvOp& op) {
  const Golden golden(file);
  for (const auto& c : golden.cases())
    for (const DType dtype : {f32, f64}) {
      CAPTURE(c.dump());
      const auto leaf = [&](const char* name) {
        return golden.has(c, name) ? golden.get(c, name).to(dtype).set_requires_grad() : Tensor();
      };
      const Tensor x = leaf("input"), kernel = leaf("kernel"), bias = leaf("bias");
      const Tensor y = op(x, kernel, bias, c);
      REQUIRE(same_numbers(y, golden.get(c, "output")));
      y.backward(golden.get(c, "output_grad").to(dtype));
      CHECK(same_numbers(x.grad(), golden.get(c, "input_grad")));
      CHECK(same_numbers(kernel.grad(), golden.get(c, "kernel_grad")));
      if (bias.defined()) CHECK(same_numbers(bias.grad(), golden.get(c, "bias_grad")));
    }
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("conv2d equals Keras and PyTorch exactly, gradients included") {
  check_golden("conv2d.safetensors",
               [](const Tensor& x, const Tensor& kernel, const Tensor& bias, const nlohmann::json& c) {
                 return conv2d(x, kernel, bias,
                               {.strides = size_of_json(c["strides"]),
                                .padding = padding_of_json(c["padding"]),
                                .dilation_rate = size_of_json(c["dilation_rate"]),
                                .groups = c["groups"]});
               });
}

TEST_CASE("conv2d_transpose equals Keras and PyTorch exactly, gradients included") {
  check_golden("conv2d_transpose.safetensors",
               [](const Tensor& x, const Tensor& kernel, const Tensor& bias, const nlohmann::json& c) {
                 return conv2d_transpose(x, kernel, bias,
                                         {.strides = size_of_json(c["strides"]),
                                          .padding = padding_of_json(c["padding"]),
                                          .output_padding = optional_size(c["output_padding"]),
                                          .dilation_rate = size_of_json(c["dilation_rate"]),
                                          .groups = c["groups"],
                                          .output_size = optional_size(c["output_size"])});
               });
}

TEST_CASE("a transposed convolution stamps the numbered kernel at every input pixel") {
  const Tensor x = Tensor::from<float>({1, 10}, {1, 1, 2, 1});
  const Tensor kernel = Tensor::from<float>({1, 2, 3}, {1, 3, 1, 1});
  CHECK(same_numbers(conv2d_transpose(x, kernel, {}, {.strides = {1, 2}}),
                     Tensor::from<float>({1, 2, 13, 20, 30}, {1, 1, 5, 1})));
  // 'same' keeps 2 * 2 pixels: with kernel 3 and stride 2 the odd pixel is cropped at the end.
  CHECK(same_numbers(conv2d_transpose(x, kernel, {}, {.strides = {1, 2}, .padding = same}),
                     Tensor::from<float>({1, 2, 13, 20}, {1, 1, 4, 1})));
}

TEST_CASE("<conv(x), y> = <x, conv_transpose(y)> exactly on integers") {
  for (const ConvCase& c : conv_cases()) {
    if (c.batch == 0) continue;
    CAPTURE(c.name);
    const Shape input{c.batch, c.input.height, c.input.width, c.in_channels};
    const Shape kernel{c.kernel.height, c.kernel.width, c.in_channels / c.options.groups, c.filters};
    const ConvGeometry g = conv2d_geometry(input, kernel, c.options);
    const Tensor x = small_integers(input, 4), w = small_integers(kernel, 5), y = small_integers(g.output_shape(), 6);
    const ConvTransposeOptions transposed{
        .strides = g.stride, .padding = g.pad, .dilation_rate = g.dilation, .groups = g.groups, .output_size = g.input};
    const Tensor forward = conv2d(x, w, {}, c.options), back = conv2d_transpose(y, w, {}, transposed);
    double left = 0, right = 0;
    for (std::int64_t i = 0; i < y.numel(); ++i) left += forward.data<double>()[i] * y.data<double>()[i];
    for (std::int64_t i = 0; i < x.numel(); ++i) right += back.data<double>()[i] * x.data<double>()[i];
    CHECK(left == right);
  }
}

TEST_CASE("convolutions pass gradcheck with every kind of activation") {
  const Tensor x = Tensor::from<double>(
      {.3, -.7, .2, .9, -.4, .6, .1, -.8, .5, .25, -.35, .45, .8, -.15, .65, -.55, .05, .95}, {1, 3, 3, 2});
  const Tensor kernel = Tensor::from<double>({.4, -.3, .2, .7, -.6, .5, .1, -.2, .35, .8, -.45, .15}, {1, 3, 2, 2});
  const Tensor bias = Tensor::from<double>({.17, -.23}, {2});
  for (const Activation a :
       {activation::linear, activation::relu, activation::leaky_relu(0.1), activation::silu, activation::tanh}) {
    const auto forward =
        gradcheck([&](const std::vector<Tensor>& in) { return conv2d(in[0], in[1], in[2], {.padding = same}, a); },
                  {x, kernel, bias});
    CHECK_MESSAGE(forward, forward.str());
    const auto transposed = gradcheck(
        [&](const std::vector<Tensor>& in) {
          return conv2d_transpose(in[0], in[1], in[2], {.strides = {1, 2}, .padding = same}, a);
        },
        {x, kernel, bias});
    CHECK_MESSAGE(transposed, transposed.str());
  }
}

TEST_CASE("conv2d_concat is conv2d of the concatenation, and backward gives every part its gradient") {
  for (const std::int64_t groups : {1, 3}) {  // groups of three channels reach over the border of the first two parts
    CAPTURE(groups);
    const ConvOptions options{.strides = {1, 2}, .padding = same, .groups = groups};
    const Tensor upstream = random_tensor({2, 7, 5, 6}, 9, f64);
    std::vector<Tensor> parts;
    for (const std::int64_t channels : {2, 6, 1})
      parts.push_back(random_tensor({2, 7, 9, channels}, static_cast<std::uint64_t>(channels), f64));
    for (const std::size_t part : {0UL, 2UL}) parts[part].set_requires_grad();
    Tensor kernel = random_tensor({3, 3, 9 / groups, 6}, 7, f64), bias = random_tensor({6}, 8, f64);
    kernel.set_requires_grad();
    bias.set_requires_grad();
    const auto gradients = [&](bool joined) {
      for (Tensor* leaf : {&parts[0], &parts[2], &kernel, &bias}) leaf->zero_grad();
      const Tensor y = joined ? conv2d(concat(parts, -1), kernel, bias, options, activation::relu)
                              : conv2d_concat(parts, kernel, bias, options, activation::relu);
      y.backward(upstream, true);
      y.backward(upstream);
      return std::vector<Tensor>{y, parts[0].grad(), parts[2].grad(), kernel.grad(), bias.grad()};
    };
    const std::vector<Tensor> expected = gradients(true), got = gradients(false);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(difference(got[i], expected[i]) < 1e-12);
    CHECK(!parts[1].grad().defined());

    const NoGrad no_grad;
    CHECK(difference(conv2d_concat(parts, kernel, bias, options), conv2d(concat(parts, -1), kernel, bias, options)) ==
          0);
    const Trace traced = trace([&] { conv2d_concat(parts, kernel, bias, options); });
    REQUIRE(traced.ops.size() == 2);
    CHECK(traced.ops[0].name == "concat");
    CHECK(traced.ops[1].name == "conv2d");
  }
  CHECK_THROWS_AS(conv2d_concat({}, Tensor::ones({1, 1, 1, 1}), {}, {}), ValueError);
}

TEST_CASE("conv2d_concat reads parts where they are, with the numbers and gradients of the concatenation") {
  fill_new_blocks(true);
  for (const std::int64_t height : {7, 40}) {  // few tiles, and more than are transformed at once
    for (const std::int64_t filters : {5, 128}) {
      CAPTURE(filters);
      std::vector<Tensor> parts;
      for (const std::int64_t channels : {16, 96, 32}) {
        parts.push_back(random_tensor({2, height, 9, channels}, static_cast<std::uint64_t>(channels), f32));
        parts.back().set_requires_grad();
      }
      Tensor kernel = random_tensor({3, 3, 144, filters}, 7, f32), bias = random_tensor({filters}, 8, f32);
      kernel.set_requires_grad();
      const auto run = [&](bool joined) {
        for (Tensor* leaf : {&parts[0], &parts[1], &parts[2], &kernel}) leaf->zero_grad();
        const Tensor y = joined ? conv2d(concat(parts, -1), kernel, bias, {.padding = same})
                                : conv2d_concat(parts, kernel, bias, {.padding = same});
        y.backward(random_tensor(y.shape(), 9, f32));
        return std::vector<Tensor>{y, parts[0].grad(), parts[1].grad(), parts[2].grad(), kernel.grad()};
      };
      const std::vector<Tensor> expected = run(true), got = run(false);
      CHECK(same_numbers(got[0], expected[0]));
      for (std::size_t i = 1; i < got.size(); ++i) CHECK(difference(got[i], expected[i]) < 1e-3);

      const NoGrad no_grad;
      const Tensor y = conv2d_concat(parts, kernel, bias, {.padding = same});
      CHECK(same_numbers(y, expected[0]));
    }
  }
  fill_new_blocks(false);
}

TEST_CASE("weights packed for one number of groups are not taken for another's") {
  const NoGrad no_grad;
  const Tensor x = random_tensor({1, 5, 6, 4}, 1, f32), kernel = random_tensor({3, 3, 2, 4}, 2, f32);
  for (const std::int64_t groups : {1, 2, 4, 1}) {  // each packs the same kernel and keeps that with it
    const Tensor packed = conv2d_transpose(x, kernel, {}, {.groups = groups});
    CHECK(difference(packed, conv2d_transpose(x, kernel.clone(), {}, {.groups = groups})) == 0);
  }
}

TEST_CASE("a fused activation is traced as the plain ops it stands for") {
  const Tensor x = Tensor::ones({1, 2, 2, 1}), kernel = Tensor::ones({1, 1, 1, 3});
  for (const Activation a : {activation::relu, activation::tanh}) {
    const Trace traced = trace([&] { conv2d(x, kernel, {}, {}, a); });
    REQUIRE(traced.ops.size() == 2);
    CHECK(traced.ops[0].name == "conv2d");
    CHECK(traced.ops[1].inputs[0].is_same(traced.ops[0].outputs[0]));
  }
}

TEST_CASE("convolution errors say what was expected, what came and what would be right") {
  const auto conv = [](const Shape& x, const Shape& kernel, const ConvOptions& options = {}) {
    return message_of([&] { conv2d(Tensor::zeros(x), Tensor::zeros(kernel), {}, options); });
  };
  const auto transpose = [](const Shape& x, const Shape& kernel, const ConvTransposeOptions& options = {}) {
    return message_of([&] { conv2d_transpose(Tensor::zeros(x), Tensor::zeros(kernel), {}, options); });
  };
  CHECK(conv({8, 64, 64, 3}, {3, 3, 16, 32}) ==
        "conv2d: expected input [N, H, W, 16] for kernel [3, 3, 16, 32], got [8, 64, 64, 3]: 3 channels instead of 16");
  CHECK(conv({64, 64, 3}, {3, 3, 3, 8}) == "conv2d: expected an input [N, H, W, C], got [64, 64, 3]");
  CHECK(conv({1, 4, 9, 3}, {5, 5, 3, 8}) ==
        "conv2d: the kernel spans 5 pixels in height (kernel 5, dilation rate 1) but the padded input has only 4 "
        "(4 + 0 + 0); the smallest input that fits is 5");
  CHECK(conv({1, 8, 8, 4}, {3, 3, 2, 5}, {.groups = 2}) ==
        "conv2d: groups 2 must divide both the 4 input channels and the 5 filters");
  CHECK(conv({1, 8, 8, 4}, {3, 3, 4, 5}, {.strides = {1, 0}}) == "conv2d: stride width must be 1 or more, got 0");
  CHECK(conv({1, 8, 8, 4}, {3, 3, 4, 5}, {.padding = -1}) ==
        "conv2d: padding must be 0 or more on every side, got top -1, bottom -1, left -1, right -1");
  CHECK(transpose({1, 4, 4, 3}, {3, 3, 8, 3}, {.strides = 2, .padding = 1, .output_padding = 2}) ==
        "conv2d_transpose: output_padding 2 on the height axis must be at least 0 and below the larger of stride 2 and "
        "dilation rate 1; the nearest valid value is 1");
  CHECK(transpose({1, 1, 1, 3}, {1, 1, 8, 3}, {.padding = 1}) ==
        "conv2d_transpose: the output height would be -1: (1 - 1) * 1 + 1 - 1 - 1; crop at most 0 pixels in all");
  CHECK(transpose({1, 4, 4, 3}, {3, 3, 8, 3}, {.strides = 2, .padding = 1, .output_size = 12}) ==
        "conv2d_transpose: an output height of 12 was asked for, but input 4 gives only 7 to 8");
  CHECK(message_of([] {
          conv2d(Tensor::zeros({1, 3, 3, 1}), Tensor::zeros({1, 1, 1, 1}, f64), {}, {});
        }) == "conv2d: input, kernel and bias must have one float type, got f32 and f64");
  CHECK(message_of([] {
          conv2d(Tensor::zeros({1, 3, 3, 1}), Tensor::zeros({1, 1, 1, 2}), Tensor::zeros({3}), {});
        }) == "conv2d: expected a bias [2], one for each filter, got [3]");
}
