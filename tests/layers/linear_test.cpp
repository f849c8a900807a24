#include <doctest/doctest.h>

#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/linear.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::message_of;
using tessera::test::random_tensor;
using tessera::test::set;

TEST_CASE("Linear multiplies by its kernel and adds its bias") {
  Linear linear({.in_features = 2, .units = 3});
  set(linear, "kernel", {1, 2, 3, 10, 20, 30});
  set(linear, "bias", {0.5, 0, 0});
  const Tensor y = linear(Tensor::from({1.0F, 1.0F, 2.0F, 0.0F}, {2, 2}));
  CHECK(test::values(y) == std::vector<double>{11.5, 22, 33, 2.5, 4, 6});
  CHECK(linear(Tensor::zeros({2, 5, 4, 2})).shape() == Shape{2, 5, 4, 3});
  CHECK(Linear({.in_features = 2, .units = 3, .use_bias = false}).parameters().size() == 1);
}

TEST_CASE("Linear applies its activation") {
  Linear linear({.in_features = 1, .units = 1, .activation = activation::relu});
  set(linear, "kernel", {1});
  CHECK(test::values(linear(Tensor::from({-2.0F, 3.0F}, {2, 1}))) == std::vector<double>{0, 3});
}

TEST_CASE("Linear says what is missing or does not fit") {
  CHECK(message_of<ValueError>([] { const Linear linear({.in_features = 3}); }) ==
        "Linear: .units (size of the output's last axis) is required and must be 1 or more, got 0");
  Module root;
  Linear head = root.add("head", Linear({.in_features = 3, .units = 2}));
  CHECK(message_of<ShapeError>([&] {
          head(Tensor::zeros({4, 5}));
        }) == "head: expected input [..., 3] for kernel [3, 2], got [4, 5]");
}

TEST_CASE("Linear passes gradcheck") {
  Linear linear({.in_features = 4, .units = 3, .activation = activation::tanh});
  const GradcheckReport report = gradcheck(linear, random_tensor({2, 3, 4}));
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("Linear is PyTorch's") {
  const test::Golden golden("layers.safetensors");
  int cases = 0;
  for (const auto& c : golden.cases()) {
    if (c.at("layer") != "linear") continue;
    Linear linear({.in_features = 5, .units = 3});
    linear.to(f64);
    set(linear, "kernel", test::values(golden.get(c, "kernel")));
    set(linear, "bias", test::values(golden.get(c, "bias")));
    const Tensor y = linear(golden.get(c, "input"));
    y.backward(golden.get(c, "output_grad"));
    CHECK(test::difference(y.detach(), golden.get(c, "output")) < 1e-12);
    CHECK(test::difference(linear.parameters()[0].tensor.grad(), golden.get(c, "kernel_grad")) < 1e-12);
    CHECK(test::difference(linear.parameters()[1].tensor.grad(), golden.get(c, "bias_grad")) < 1e-12);
    ++cases;
  }
  CHECK(cases > 0);
}
