#include <doctest/doctest.h>

#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

struct ActivationRow {
  Activation activation;
  double at_minus_2, at_1;  // f(-2), f(1)
};

const ActivationRow activation_rows[] = {
    {activation::linear, -2, 1},
    {activation::relu, 0, 1},
    {activation::leaky_relu(), -0.4, 1},
    {activation::leaky_relu(0), 0, 1},
    {activation::elu(), -0.8646647167633873, 1},
    {activation::elu(0.5), -0.43233235838169365, 1},
    {activation::selu, -1.5201664685956948, 1.0507009873554805},
    {activation::gelu, -0.04550026389635842, 0.8413447460685429},
    {activation::silu, -0.2384058440442351, 0.7310585786300049},
    {activation::sigmoid, 0.11920292202211755, 0.7310585786300049},
    {activation::tanh, -0.9640275800758169, 0.7615941559557649},
    {activation::softplus, 0.1269280110429725, 1.3132616875182228},
    {activation::hard_swish, -1.0 / 3, 2.0 / 3},
};

}  // namespace

TEST_CASE("activations have the values of their definitions, in double and in float") {
  for (const ActivationRow& row : activation_rows) {
    CAPTURE(name_of(row.activation));
    const Tensor x = Tensor::from({-2.0, 1.0}, {2}), expected = Tensor::from({row.at_minus_2, row.at_1}, {2});
    CHECK(difference(activate(x, row.activation), expected) < 1e-15);
    CHECK(difference(activate(x.to(f32), row.activation), expected.to(f32)) < 2e-7);
  }
}

TEST_CASE("activations pass gradcheck") {
  for (const ActivationRow& row : activation_rows) {
    const auto f = [&](const std::vector<Tensor>& in) { return activate(in[0], row.activation); };
    for (const Shape& shape : {Shape{7, 9}, Shape{}, Shape{0, 3}}) {
      const GradcheckReport report = gradcheck(f, {distinct_tensor(shape)});
      CHECK_MESSAGE(report.passed, name_of(row.activation), ": ", report.str());
    }
  }
}

TEST_CASE("activations and their gradients are finite far from zero and let a NaN through") {
  for (const DType dtype : {f32, f64})
    for (const ActivationRow& row : activation_rows) {
      CAPTURE(name_of(row.activation));
      Tensor x = Tensor::from({-1e4, 1e4, std::numeric_limits<double>::quiet_NaN()}, {3}).to(dtype);
      x.set_requires_grad();
      const Tensor y = activate(x, row.activation);
      CHECK(std::isfinite(y.at({0})));
      CHECK(y.at({1}) > 0);
      CHECK(std::isnan(y.at({2})));
      y.backward(Tensor::ones({3}, dtype));
      CHECK(std::abs(x.grad().at({0})) <= 1);
      CHECK(x.grad().at({1}) <= 1.06);
    }
}

TEST_CASE("the free functions are the activations of their names") {
  const Tensor x = random_tensor({33});
  const std::pair<Tensor, Activation> pairs[] = {
      {relu(x), activation::relu},         {leaky_relu(x), activation::leaky_relu()},
      {elu(x), activation::elu()},         {selu(x), activation::selu},
      {gelu(x), activation::gelu},         {silu(x), activation::silu},
      {sigmoid(x), activation::sigmoid},   {tanh(x), activation::tanh},
      {softplus(x), activation::softplus}, {hard_swish(x), activation::hard_swish},
  };
  for (const auto& pair : pairs) {
    CHECK(difference(pair.first, activate(x, pair.second)) == 0);
    CHECK(activation_named(name_of(pair.second)) == pair.second);
  }
}

TEST_CASE("a fused op gets the gradient of an activation from what gradient_uses_output asks it to save") {
  for (const ActivationRow& row : activation_rows) {
    Tensor x = distinct_tensor({5, 3});
    const Tensor upstream = random_tensor({5, 3}, 2);
    const Tensor saved = gradient_uses_output(row.activation) ? activate(x, row.activation) : x;
    Tensor leaf = x.clone().set_requires_grad();
    const Tensor y = row.activation == activation::linear ? leaf : activate(leaf, row.activation);
    y.backward(upstream);
    CHECK(difference(activation_gradient(row.activation, saved, upstream), leaf.grad()) == 0);
  }
}

TEST_CASE("traces name the activation and its parameter") {
  const Tensor x = random_tensor({3});
  const Trace seen = trace([&] {
    elu(x, 0.5);
    gelu(x);
    activate(x, activation::linear);
  });
  REQUIRE(seen.ops.size() == 2);
  CHECK(seen.ops[0].name == "elu");
  CHECK(attribute_or(seen.ops[0].attributes, "alpha", 0.0) == 0.5);
  CHECK(seen.ops[1].name == "gelu");
  CHECK(seen.ops[1].attributes.empty());
}

TEST_CASE("activations say what is wrong") {
  const Tensor x = random_tensor({3});
  CHECK_THROWS_WITH_AS(leaky_relu(x, -0.1), "leaky_relu: expected slope of 0 or more, got -0.1", ValueError);
  CHECK_THROWS_WITH_AS(elu(x, -1), "elu: expected alpha of 0 or more, got -1", ValueError);
  CHECK_THROWS_WITH_AS(relu(x.to(i32)), "relu: expected a float tensor (f32 or f64), got i32", ValueError);
  CHECK_THROWS_WITH_AS(activation_named("swish"),
                       "activation: there is no \"swish\"; expected one of linear, relu, leaky_relu, elu, selu, gelu, "
                       "silu, sigmoid, tanh, softplus, hard_swish",
                       ValueError);
}
