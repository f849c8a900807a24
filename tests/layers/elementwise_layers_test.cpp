#include <doctest/doctest.h>

#include <tessera/layers/activation_layer.hpp>
#include <tessera/layers/depth_to_space.hpp>
#include <tessera/layers/flatten.hpp>
#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/prelu.hpp>
#include <tessera/layers/sequential.hpp>
#include <tessera/layers/softmax.hpp>
#include <tessera/layers/upsample.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::difference;
using tessera::test::distinct_tensor;
using tessera::test::message_of;
using tessera::test::set;

TEST_CASE("every activation is a layer of its own name") {
  Sequential all{ReLU(),    LeakyReLU(0.1), ELU(0.5),   SELU(),      GELU(),   SiLU(),
                 Sigmoid(), Tanh(),         Softplus(), HardSwish(), Softmax()};
  const Tensor x = distinct_tensor({2, 3});
  const std::pair<std::string, Activation> kinds[] = {
      {"ReLU", activation::relu},         {"LeakyReLU", activation::leaky_relu(0.1)},
      {"ELU", activation::elu(0.5)},      {"SELU", activation::selu},
      {"GELU", activation::gelu},         {"SiLU", activation::silu},
      {"Sigmoid", activation::sigmoid},   {"Tanh", activation::tanh},
      {"Softplus", activation::softplus}, {"HardSwish", activation::hard_swish}};
  const auto layers = all.children();
  Tensor expected = x;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(layers[i].second.type_name() == kinds[i].first);
    expected = activate(expected, kinds[i].second);
  }
  CHECK(difference(all(x), softmax(expected)) == 0);
  const GradcheckReport report = gradcheck(all, x);
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("Softmax sums to 1 over its axis") {
  const Tensor y = Softmax(1)(distinct_tensor({2, 3, 4}));
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t c = 0; c < 4; ++c)
      CHECK(y.at({n, 0, c}) + y.at({n, 1, c}) + y.at({n, 2, c}) == doctest::Approx(1));
}

TEST_CASE("PReLU learns a slope for each channel, as PyTorch does") {
  const test::Golden golden("activations.safetensors");
  int cases = 0;
  for (const auto& c : golden.cases()) {
    if (c.at("op") != "prelu") continue;
    const Tensor slope = golden.get(c, "slope");
    PReLU prelu({.channels = slope.numel()});
    prelu.to(f64);
    set(prelu, "alpha", test::values(slope));
    Tensor x = golden.get(c, "input").clone();
    x.set_requires_grad();
    const Tensor y = prelu(x);
    y.backward(golden.get(c, "output_grad"));
    CHECK(difference(y.detach(), golden.get(c, "output")) < 1e-12);
    CHECK(difference(x.grad(), golden.get(c, "input_grad")) < 1e-12);
    CHECK(difference(prelu.parameters()[0].tensor.grad(), golden.get(c, "slope_grad")) < 1e-12);
    ++cases;
  }
  CHECK(cases > 0);
  PReLU prelu({.channels = 4, .alpha_initializer = initializer::constant(0.25)});
  CHECK(prelu(Tensor::full({1, 4}, -8)).at({0, 3}) == -2);
  CHECK(message_of<ShapeError>([&] { prelu(Tensor::zeros({2, 3})); }) == "prelu: expected input [..., 4], got [2, 3]");
  const GradcheckReport report = gradcheck(prelu, distinct_tensor({2, 3, 4}));
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("Upsample enlarges by a factor or to a size given at call time") {
  Upsample twice, smooth({.size = 3, .interpolation = bilinear});
  const Tensor x = Tensor::arange(4, f64).reshape({1, 2, 2, 1});
  CHECK(test::values(twice(x)) == std::vector<double>{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3});
  CHECK(twice(x, {3, 5}).shape() == Shape{1, 3, 5, 1});
  CHECK(smooth(x).shape() == Shape{1, 6, 6, 1});
  for (Upsample* layer : {&twice, &smooth}) {
    const GradcheckReport report = gradcheck(*layer, distinct_tensor({2, 3, 2, 3}));
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("Flatten and DepthToSpace move numbers and change none") {
  Flatten flatten;
  DepthToSpace up(2);
  CHECK(flatten(Tensor::zeros({2, 3, 4, 5})).shape() == Shape{2, 60});
  CHECK(flatten(Tensor::zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(flatten(Tensor::zeros({7})).shape() == Shape{7, 1});
  const Tensor y = up(Tensor::arange(8, f64).reshape({1, 1, 1, 8}));
  CHECK(y.shape() == Shape{1, 2, 2, 2});
  CHECK(y.at({0, 1, 0, 1}) == 5);
  CHECK_THROWS_AS(DepthToSpace(0), ValueError);
  CHECK(gradcheck(flatten, distinct_tensor({2, 3, 4})).passed);
  CHECK(gradcheck(up, distinct_tensor({2, 1, 2, 8})).passed);
}
