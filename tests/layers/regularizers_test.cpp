#include <doctest/doctest.h>

#include <tessera/core/gradcheck.hpp>
#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/conv2d_transpose.hpp>
#include <tessera/layers/regularizers.hpp>
#include <tessera/layers/sequential.hpp>

#include "tests/support/golden.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using doctest::Approx;
using tessera::test::difference;
using tessera::test::distinct_tensor;
using tessera::test::set;

namespace {

Conv2D conv_with(Regularizer kernel, Regularizer bias, Regularizer activity = {}) {
  Conv2D conv({.in_channels = 1,
               .filters = 2,
               .kernel_size = 1,
               .kernel_regularizer = kernel,
               .bias_regularizer = bias,
               .activity_regularizer = activity});
  set(conv, "kernel", {3, -4});
  set(conv, "bias", {1, 2});
  return conv;
}

}  // namespace

TEST_CASE("a penalty is l1 times the absolute values and l2 times the squares") {
  const Tensor w = Tensor::from({3.0, -4.0}, {2});
  CHECK(regularizer::l1(0.5)(w).item() == 3.5);
  CHECK(regularizer::l2(0.1)(w).item() == Approx(2.5));
  CHECK(regularizer::l1_l2(0.5, 0.1)(w).item() == Approx(6));
  CHECK(regularizer::l2()(w).dtype() == f64);
  const GradcheckReport report = gradcheck(
      [](const std::vector<Tensor>& in) { return regularizer::l1_l2(0.5, 0.1)(in[0]); }, {distinct_tensor({3, 7})});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("regularization adds up what parameters carry") {
  Sequential model{conv_with(regularizer::l2(0.1), regularizer::l1(1)), conv_with({}, {})};
  CHECK(regularization(model).item() == Approx(2.5 + 3));
  CHECK(regularization(conv_with({}, {})).item() == 0);
  regularization(model).backward();
  const auto parameters = model.parameters();
  CHECK(parameters[0].tensor.grad().at({0, 0, 0, 1}) == Approx(-0.8));
  CHECK(parameters[1].tensor.grad().at({1}) == 1);
  CHECK_FALSE(parameters[2].tensor.grad().defined());
}

TEST_CASE("activity penalties are collected inside a scope alone, per sample") {
  Conv2D conv = conv_with({}, {}, regularizer::l1(0.5));
  Conv2DTranspose plain({.in_channels = 2, .filters = 1, .kernel_size = 1});
  const Tensor x = Tensor::ones({2, 1, 1, 1});
  conv(x);
  ActivityPenalty scope;
  CHECK(scope.total().item() == 0);
  plain(conv(x));
  CHECK(scope.total().item() == 0.5 * (4 + 2));
  {
    ActivityPenalty inner;
    conv(x);
    CHECK(inner.total().item() == 3);
  }
  CHECK(scope.total().item() == 3);
  conv(x);
  CHECK(scope.total().item() == 6);
  scope.total().backward();
  CHECK(conv.parameters()[0].tensor.grad().at({0, 0, 0, 1}) == -1);
}

TEST_CASE("penalties and their gradients are Keras'") {
  const test::Golden golden("layers.safetensors");
  int cases = 0;
  for (const auto& c : golden.cases()) {
    const std::string layer = c.at("layer");
    if (layer != "kernel_regularizer" && layer != "activity_regularizer") continue;
    CAPTURE(c.at("name").get<std::string>());
    Tensor w = golden.get(c, "input").to(f64);
    w.set_requires_grad();
    const Regularizer regularizer{.l1 = c.at("l1"), .l2 = c.at("l2")};
    const ActivityPenalty scope;
    add_activity_penalty(regularizer, w);
    const Tensor loss = layer == "kernel_regularizer" ? regularizer(w) : scope.total();
    loss.backward();
    CHECK(loss.item() == Approx(golden.get(c, "loss").item()).epsilon(1e-7));
    CHECK(difference(w.grad(), golden.get(c, "input_grad").to(f64)) < 1e-8);
    ++cases;
  }
  CHECK(cases > 0);
}
