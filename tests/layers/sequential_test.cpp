#include <doctest/doctest.h>

#include <tessera/layers/activation_layer.hpp>
#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/conv2d_transpose.hpp>
#include <tessera/layers/flatten.hpp>
#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/sequential.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::difference;
using tessera::test::random_tensor;

namespace {

/// The class of design decision 5.
class Net : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return head_(up_(down_(x))); }

 private:
  Conv2D down_ = add("down", Conv2D({.in_channels = 3,
                                     .filters = 16,
                                     .kernel_size = 3,
                                     .strides = 2,
                                     .padding = same,
                                     .activation = activation::relu}));
  Conv2DTranspose up_ = add("up", Conv2DTranspose({.in_channels = 16,
                                                   .filters = 16,
                                                   .kernel_size = 4,
                                                   .strides = 2,
                                                   .padding = same,
                                                   .activation = activation::relu}));
  Conv2D head_ = add("head", Conv2D({.in_channels = 16, .filters = 4, .kernel_size = 1}));
};

}  // namespace

TEST_CASE("a network is a class with layers for members") {
  Net net;
  CHECK(net(Tensor::zeros({2, 8, 8, 3})).shape() == Shape{2, 8, 8, 4});
  CHECK(net.parameter_count() == 3 * 9 * 16 + 16 + 16 * 16 * 16 + 16 + 16 * 4 + 4);
  CHECK(net.state_dict().contains("up.kernel"));
}

TEST_CASE("layers of one shape start from different weights") {
  Sequential stack{Conv2D({.in_channels = 2, .filters = 2, .kernel_size = 3}),
                   Conv2D({.in_channels = 2, .filters = 2, .kernel_size = 3})};
  const auto state = stack.state_dict();
  CHECK(difference(state.at("0.kernel"), state.at("1.kernel")) > 0.01);
}

TEST_CASE("Sequential applies its layers in order and names them by number or as told") {
  Sequential stack{Conv2D({.in_channels = 3, .filters = 2, .kernel_size = 3}), ReLU()};
  Flatten flatten = stack.add("flat", Flatten());
  CHECK(stack.size() == 3);
  CHECK(stack.children()[1].first == "1");
  CHECK(stack.children()[1].second.type_name() == "ReLU");
  const Tensor x = random_tensor({2, 5, 6, 3}, 1, f32);
  const Tensor y = stack(x);
  CHECK(y.shape() == Shape{2, 3 * 4 * 2});
  Conv2D alone({.in_channels = 3, .filters = 2, .kernel_size = 3, .activation = activation::relu});
  alone.load_state_dict(stack.child("0").state_dict());
  CHECK(difference(y, flatten(alone(x))) == 0);
}

TEST_CASE("a copy of a Sequential is the same stack") {
  Sequential stack{ReLU()};
  Sequential copy = stack;
  copy.add("more", Flatten());
  CHECK(stack.size() == 2);
  CHECK(stack(Tensor::zeros({2, 3, 4, 5})).shape() == Shape{2, 60});
}

TEST_CASE("stacks nest") {
  Sequential outer{Sequential{ReLU()}, Sequential{Flatten(), ReLU()}};
  CHECK(outer(Tensor::zeros({2, 3, 4})).shape() == Shape{2, 12});
  CHECK(outer.child("1.0").path() == "1.0");
  CHECK(Sequential()(Tensor::ones({1})).item() == 1);
}

TEST_CASE("a whole network passes gradcheck") {
  Net net;
  const GradcheckReport report = gradcheck(net, random_tensor({1, 4, 4, 3}), {.fast = true});
  CHECK_MESSAGE(report.passed, report.str());
  CHECK(net.parameters()[0].tensor.dtype() == f32);
  CHECK(net.parameters()[0].tensor.requires_grad());
}
