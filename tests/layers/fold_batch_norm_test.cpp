#include <doctest/doctest.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/batch_norm.hpp>
#include <tessera/layers/activation_layer.hpp>
#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/fold_batch_norm.hpp>
#include <tessera/layers/pooling.hpp>
#include <tessera/layers/sequential.hpp>
#include <tessera/layers/summary.hpp>
#include <tessera/models/make_model.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::difference;
using tessera::test::message_of;
using tessera::test::random_tensor;

namespace {

/// Statistics and parameters of normalisations that are far from those a fresh network has.
void disturb(Layer& model) {
  std::uint64_t seed = 7;
  for (const auto& [path, tensor] : model.state_dict()) {
    const auto ends_with = [&, &path = path](const char* name) { return path.ends_with(name); };
    Tensor target = tensor;
    if (ends_with("running_var"))
      target.copy_(random_tensor(tensor.shape(), ++seed).to(f32));
    else if (ends_with("running_mean") || ends_with("gamma") || ends_with("beta") || ends_with("bias"))
      target.copy_(random_tensor(tensor.shape(), ++seed).to(f32));
    if (ends_with("running_var"))
      for (std::int64_t i = 0; i < target.numel(); ++i)
        target.mutable_data<float>()[i] = 0.5F + std::abs(target.data<float>()[i]);
  }
  model.eval();
}

Tensor infer(Layer& model, const Tensor& x) {
  const NoGrad no_grad;
  return model(x);
}

/// Folding must leave the outputs, and no normalisation in the trace.
void check_folds(Layer& model, const Shape& shape, const std::vector<std::string>& expected) {
  disturb(model);
  const Tensor x = random_tensor(shape, 3, f32);
  const Tensor before = infer(model, x);
  CHECK(fold_batch_norm(model, shape) == expected);
  const Tensor after = infer(model, x);
  CHECK(difference(before, after) < 1e-5 * std::max(1.0, difference(before, Tensor::zeros(before.shape()))));
  for (const TracedOp& op : trace(model, shape).ops) CHECK(op.name != "batch_norm");
}

Sequential conv_and_norm(const Conv2DOptions& options) {
  return Sequential(Conv2D(options), BatchNorm2D({.channels = options.filters}), ReLU());
}

std::string refusal(Layer& model, const Shape& shape = {1, 8, 8, 3}) {
  const StateDict before = model.state_dict();
  std::string text = message_of<ValueError>([&] { fold_batch_norm(model, shape); });
  CHECK(model.state_dict().size() == before.size());
  return text;
}

const Conv2DOptions conv{.in_channels = 3, .filters = 4, .kernel_size = 3, .padding = same};

/// What the refusals are about: one convolution and one normalisation, used in some way.
class Odd : public Layer {
 public:
  enum class Way { skip, twice, own_op };
  explicit Odd(Way way) : way_(way) {}
  Tensor forward(const Tensor& x) override {
    const Tensor y = conv_(x);
    if (way_ == Way::skip) return norm_(y) + y;
    if (way_ == Way::twice) return norm_(y) + conv_(x);
    return batch_norm(y, {}, {}, Tensor::zeros({3}), Tensor::ones({3}), {});
  }

 private:
  Way way_;
  Conv2D conv_ = add("conv", Conv2D({.in_channels = 3, .filters = 3, .kernel_size = 1}));
  BatchNorm2D norm_ = add("norm", BatchNorm2D({.channels = 3}));
};

}  // namespace

TEST_CASE("batch normalisation folds into convolutions, with and without bias, grouped and depthwise") {
  Sequential biased = conv_and_norm(conv);
  check_folds(biased, {2, 6, 7, 3}, {"1"});

  Sequential plain = conv_and_norm({.in_channels = 3, .filters = 8, .kernel_size = 3, .use_bias = false});
  check_folds(plain, {2, 6, 7, 3}, {"1"});
  CHECK(plain.state_dict().contains("0.bias"));

  Sequential grouped = conv_and_norm({.in_channels = 6, .filters = 9, .kernel_size = 3, .groups = 3});
  check_folds(grouped, {1, 6, 7, 6}, {"1"});
  Sequential depthwise = conv_and_norm({.in_channels = 5, .filters = 10, .kernel_size = 3, .groups = 5});
  check_folds(depthwise, {1, 6, 7, 5}, {"1"});

  Sequential bare(Conv2D(conv), BatchNorm2D({.channels = 4, .epsilon = 0.1, .center = false, .scale = false}));
  check_folds(bare, {1, 6, 7, 3}, {"1"});
}

TEST_CASE("batch normalisation folds into transposed convolutions") {
  for (const std::int64_t groups : {1, 2}) {
    Sequential up(Conv2DTranspose(
                      {.in_channels = 4, .filters = 6, .kernel_size = 4, .strides = 2, .padding = 1, .groups = groups}),
                  BatchNorm2D({.channels = 6}));
    check_folds(up, {2, 5, 4, 4}, {"1"});
  }
}

TEST_CASE("batch normalisation folds in blocks, whatever follows it there") {
  const Conv2DTransposeOptions up{.in_channels = 3, .filters = 4, .kernel_size = 3, .strides = 2, .padding = same};
  ConvBlock pooled({.convolution = conv, .activation = activation::leaky_relu(0.3), .pool = 2});
  ConvBlock other({.convolution = up, .activation = activation::tanh, .pool = {2, 1}});
  ConvBlock linear({.convolution = conv, .activation = activation::linear});
  for (ConvBlock* block : {&pooled, &other, &linear}) check_folds(*block, {2, 6, 8, 3}, {"norm"});
}

TEST_CASE("a folded network has the state of one built without normalisation") {
  const auto unet = make_model({.name = "unet", .classes = 2, .width = 4, .depth = 2});
  disturb(*unet);
  const Tensor x = random_tensor({1, 12, 16, 3}, 5, f32);
  const Tensor before = infer(*unet, x);
  CHECK(fold_batch_norm(*unet, x.shape()).size() == 10);
  const auto plain = make_model({.name = "unet", .classes = 2, .width = 4, .depth = 2, .normalization = "none"});
  plain->load_state_dict(unet->state_dict());
  CHECK(difference(infer(*plain, x), infer(*unet, x)) == 0);
  CHECK(difference(before, infer(*unet, x)) < 1e-5 * difference(before, Tensor::zeros(before.shape())));
  CHECK(fold_batch_norm(*unet, x.shape()).empty());
}

TEST_CASE("networks in double fold, too") {
  Sequential stack = conv_and_norm(conv);
  disturb(stack);
  stack.to(f64);
  const Tensor x = random_tensor({1, 6, 7, 3}, 3);
  const Tensor before = infer(stack, x);
  fold_batch_norm(stack, x.shape());
  CHECK(difference(before, infer(stack, x)) < 1e-12);
}

TEST_CASE("a folded network does not train") {
  Sequential stack = conv_and_norm(conv);
  stack.eval();
  fold_batch_norm(stack, {1, 8, 8, 3});
  stack.train();
  CHECK(message_of<ValueError>([&] {
          stack(Tensor::ones({1, 8, 8, 3}));
        }) == "1: was folded into the convolution before it and cannot train; make the model anew");
}

TEST_CASE("a normalisation that cannot fold is refused, and nothing is changed") {
  Sequential training = conv_and_norm(conv);
  CHECK(refusal(training) ==
        "fold_batch_norm: 1 normalises by the statistics of the batch, as in training: call eval() first");

  Sequential first(BatchNorm2D({.channels = 3}), Conv2D(conv));
  first.eval();
  CHECK(refusal(first) == "fold_batch_norm: 0 does not directly follow a convolution: it reads the input");

  Sequential pooled(Conv2D(conv), BatchNorm2D({.channels = 4}), MaxPool2D(), BatchNorm2D({.channels = 4}));
  pooled.eval();
  CHECK(refusal(pooled) ==
        "fold_batch_norm: 3 does not directly follow a convolution: it reads the output of 2 (max_pool2d)");

  Conv2DOptions active = conv;
  active.activation = activation::relu;
  Sequential activated = conv_and_norm(active);
  activated.eval();
  CHECK(refusal(activated) ==
        "fold_batch_norm: 1 does not directly follow a convolution: it reads the output of 0 (relu)");

  Odd skip(Odd::Way::skip), twice(Odd::Way::twice), own_op(Odd::Way::own_op);
  for (Odd* odd : {&skip, &twice, &own_op}) odd->eval();
  CHECK(refusal(skip) == "fold_batch_norm: norm is not the only one that reads the output of conv (conv2d)");
  CHECK(refusal(twice) == "fold_batch_norm: norm or the convolution before it, conv (conv2d), runs more than once");
  CHECK(refusal(own_op) == "fold_batch_norm: batch_norm normalises outside a BatchNorm2D layer");
}
