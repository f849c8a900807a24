#include <doctest/doctest.h>

#include <tessera/core/arena.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/layers/activation_layer.hpp>
#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/group_norm.hpp>
#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/pooling.hpp>
#include <tessera/layers/sequential.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::difference;
using tessera::test::message_of;
using tessera::test::random_tensor;

namespace {

const Conv2DOptions conv{.in_channels = 3, .filters = 4, .kernel_size = 3, .padding = same};
const Conv2DTransposeOptions up{.in_channels = 3, .filters = 4, .kernel_size = 3, .strides = 2, .padding = same};

/// The block's output, gradients and state must be those of the separate layers `conv`, `norm`, and so on.
void check_equal(ConvBlock block, Sequential layers) {
  layers.load_state_dict(block.state_dict());
  const Tensor x = random_tensor({2, 6, 4, 3}, 3, f32);
  const Tensor y = block(x), z = layers(x);
  CHECK(difference(y, z) < 1e-6);
  const Tensor upstream = random_tensor(y.shape(), 4, f32);
  y.backward(upstream);
  z.backward(upstream);
  const auto mine = block.parameters(), theirs = layers.parameters();
  REQUIRE(mine.size() == theirs.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    CHECK(mine[i].path == theirs[i].path);
    CHECK(difference(mine[i].tensor.grad(), theirs[i].tensor.grad()) < 1e-5);
  }
  const auto after = layers.state_dict();
  for (const auto& [path, tensor] : block.state_dict()) CHECK(difference(tensor, after.at(path)) < 1e-6);
}

}  // namespace

TEST_CASE("a block is equal to its layers one after the other") {
  Sequential batch_pool;
  batch_pool.add("conv", Conv2D(conv));
  batch_pool.add("norm", BatchNorm2D({.channels = 4}));
  batch_pool.add("act", ReLU());
  batch_pool.add("pool", MaxPool2D());
  check_equal(ConvBlock({.convolution = conv, .pool = 2}), batch_pool);

  Sequential group_up;
  group_up.add("conv", Conv2DTranspose(up));
  group_up.add("norm", GroupNorm({.channels = 4, .groups = 2}));
  group_up.add("act", Tanh());
  check_equal(ConvBlock({.convolution = up, .normalization = normalization::group(2), .activation = activation::tanh}),
              group_up);

  Sequential plain;
  plain.add("conv", Conv2D(conv));
  check_equal(ConvBlock({.convolution = conv, .normalization = normalization::none, .activation = activation::linear}),
              plain);

  Sequential linear_norm;
  linear_norm.add("conv", Conv2D(conv));
  linear_norm.add("norm", BatchNorm2D({.channels = 4}));
  check_equal(ConvBlock({.convolution = conv, .activation = activation::linear}), linear_norm);
}

TEST_CASE(
    "what lies between two blocks is computed again in backward, to the same bits, and takes no memory until then") {
  ConvBlock first({.convolution = conv}),
      second({.convolution = Conv2DOptions{.in_channels = 4, .filters = 4, .kernel_size = 3, .padding = same}});
  first.initialize(1);
  second.initialize(2);
  const Tensor x = random_tensor({2, 32, 32, 3}, 3, f32), upstream = random_tensor({2, 32, 32, 4}, 4, f32);
  const std::size_t activation = static_cast<std::size_t>(upstream.numel()) * sizeof(float);

  const Tensor between = first(x);
  second(between).backward(upstream);
  Tensor kept = between.detach().set_requires_grad();
  const Tensor recomputed_gradient = second.parameters()[0].tensor.grad();
  for (auto& parameter : second.parameters()) parameter.tensor.zero_grad();
  second(kept).backward(upstream);
  CHECK(difference(recomputed_gradient, second.parameters()[0].tensor.grad()) == 0);

  const std::size_t before = memory_stats().in_use;
  const Tensor y = second(first(x));
  // Two convolutions' results and the output; the statistics of the channels are small.
  CHECK(memory_stats().in_use - before < 3 * activation + activation / 2);

  for (auto& parameter : second.parameters()) parameter.tensor.zero_grad();
  y.backward(upstream, true);
  y.backward(upstream);
  CHECK(difference(second.parameters()[0].tensor.grad(), recomputed_gradient * 2.0) == 0);
}

TEST_CASE("a concatenation with a block's result is computed again for a convolution, to the same bits") {
  // Three channels do not divide five: one way into the buffer; two and two another.
  for (const std::int64_t filters : {2, 3}) {
    ConvBlock block({.convolution = Conv2DOptions{.in_channels = 3, .filters = filters, .kernel_size = 1}, .pool = 2});
    Conv2D reader({.in_channels = 2 * filters + 2, .filters = 2, .kernel_size = 1});
    block.initialize(1);
    reader.initialize(2);
    const Tensor x = random_tensor({2, 32, 32, 3}, 3, f32), other = random_tensor({2, 32, 32, 2}, 4, f32);
    const Tensor upstream = random_tensor({2, 32, 32, 2}, 5, f32), small = random_tensor({2, 16, 16, 2}, 6, f32);
    const auto gradients = [&](bool recompute) {
      for (Module* module : {static_cast<Module*>(&block), static_cast<Module*>(&reader)})
        for (auto& parameter : module->parameters()) parameter.tensor.zero_grad();
      const ConvBlock::Pooled parts = block.with_unpooled({x});
      const Tensor twice = concat({parts.unpooled, other, parts.unpooled}, -1);
      // Added to 0 it is an op's result that nothing computes again.
      reader(recompute ? twice : twice + 0.0).backward(upstream);
      std::vector<Tensor> all{reader.parameters()[0].tensor.grad()};
      for (auto& parameter : block.parameters()) all.push_back(parameter.tensor.grad());
      return all;
    };
    const std::vector<Tensor> held = gradients(false), again = gradients(true);
    for (std::size_t i = 0; i < held.size(); ++i) CHECK(difference(held[i], again[i]) == 0);

    // Pooled, it is read at another size.
    for (auto& parameter : reader.parameters()) parameter.tensor.zero_grad();
    const Tensor pooled = block(x), beside = random_tensor({2, 16, 16, filters + 2}, 7, f32);
    const auto of_pooled = [&](const Tensor& input) {
      for (auto& parameter : reader.parameters()) parameter.tensor.zero_grad();
      reader(input).backward(small, true);
      return reader.parameters()[0].tensor.grad();
    };
    CHECK(difference(of_pooled(concat({beside, pooled}, 3)), of_pooled(concat({beside, pooled.detach()}, 3))) == 0);
  }

  // What a concatenation holds in its result's stead is less by what is computed again.
  ConvBlock block({.convolution = conv});
  Conv2D reader({.in_channels = 8, .filters = 1, .kernel_size = 1});
  const Tensor x = random_tensor({2, 32, 32, 3}, 3, f32);
  Tensor other = random_tensor({2, 32, 32, 4}, 4, f32);
  const std::size_t half = static_cast<std::size_t>(other.numel()) * sizeof(float), before = memory_stats().in_use;
  const Tensor y = reader(concat({block(x), other}, -1));
  // The block's convolution's result, and one quarter of that for the reader's.
  CHECK(memory_stats().in_use - before < half + half / 2);
}

TEST_CASE("a block of parts reads them side by side, and keeps none that is computed again") {
  ConvBlock below({.convolution = conv}),
      joined({.convolution = Conv2DOptions{.in_channels = 8, .filters = 2, .kernel_size = 3, .padding = same}});
  ConvBlock transposed({.convolution = Conv2DTransposeOptions{.in_channels = 8, .filters = 2, .kernel_size = 2}});
  const Tensor x = random_tensor({2, 32, 32, 3}, 3, f32), upstream = random_tensor({2, 32, 32, 2}, 5, f32);
  const Tensor other = random_tensor({2, 32, 32, 4}, 4, f32);
  for (ConvBlock* block : {&below, &joined, &transposed}) block->initialize(1);
  const auto gradients = [&](bool parts) {
    below.parameters()[0].tensor.zero_grad();
    joined.parameters()[0].tensor.zero_grad();
    const Tensor between = below(x);
    const Tensor y = parts ? joined.with_unpooled({between, other}).output : joined(concat({between, other}, -1));
    y.backward(upstream);
    return std::vector<Tensor>{y, below.parameters()[0].tensor.grad(), joined.parameters()[0].tensor.grad()};
  };
  const std::vector<Tensor> expected = gradients(false), got = gradients(true);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(difference(got[i], expected[i]) < 1e-4);  // sums over 2048 pixels
  CHECK(difference(transposed.with_unpooled({below(x), other}).output, transposed(concat({below(x), other}, -1))) == 0);

  const std::size_t half = static_cast<std::size_t>(other.numel()) * sizeof(float), before = memory_stats().in_use;
  const Tensor y = joined.with_unpooled({below(x), other}).output;
  // The first convolution's result; the second one's, and what normalisation made of that, are a half each.
  CHECK(memory_stats().in_use - before < 2 * half + half / 2);
}

TEST_CASE("what a block hands out beside its pooling is computed again for a convolution") {
  ConvBlock block({.convolution = conv, .pool = 2});
  Conv2D skip({.in_channels = 4, .filters = 2, .kernel_size = 1});
  block.initialize(1);
  skip.initialize(2);
  const Tensor x = random_tensor({2, 7, 6, 3}, 3, f32), upstream = random_tensor({2, 7, 6, 2}, 4, f32);
  const Tensor unpooled = block.with_unpooled({x}).unpooled;
  skip(unpooled).backward(upstream, true);
  const Tensor gradient = skip.parameters()[0].tensor.grad();
  skip.parameters()[0].tensor.zero_grad();
  skip(unpooled.detach().set_requires_grad()).backward(upstream);
  CHECK(difference(skip.parameters()[0].tensor.grad(), gradient) == 0);
}

TEST_CASE("a block hands out what went into its pooling") {
  ConvBlock block({.convolution = conv, .pool = {2, 1}});
  block.eval();
  const Tensor x = random_tensor({1, 4, 4, 3}, 1, f32);
  const auto [pooled, unpooled] = block.with_unpooled({x});
  CHECK(pooled.shape() == Shape{1, 2, 4, 4});
  CHECK(unpooled.shape() == Shape{1, 4, 4, 4});
  CHECK(difference(pooled, max_pool2d(unpooled, {.pool_size = {2, 1}})) == 0);
  CHECK(difference(pooled, block(x)) == 0);
}

TEST_CASE("a block refuses options that contradict each other") {
  Conv2DOptions active = conv;
  active.activation = activation::relu;
  CHECK(message_of<ValueError>([&] { const ConvBlock block({.convolution = active}); }) ==
        "ConvBlock: .convolution has the activation relu: give it as the block's own .activation");
  CHECK_THROWS_AS(ConvBlock({}), ValueError);
  CHECK_THROWS_AS(ConvBlock({.convolution = conv, .pool = 0}), ValueError);
}

TEST_CASE("blocks pass gradcheck") {
  ConvBlock pooled({.convolution = conv, .activation = activation::silu, .pool = 2});
  ConvBlock grown({.convolution = up, .normalization = normalization::group(2), .activation = activation::silu});
  for (ConvBlock* block : {&pooled, &grown}) {
    const GradcheckReport report = gradcheck(*block, random_tensor({2, 4, 4, 3}));
    CHECK_MESSAGE(report.passed, report.str());
  }
}
