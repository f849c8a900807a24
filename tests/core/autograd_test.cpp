#include <doctest/doctest.h>

#include <string>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/module_scope.hpp>

using namespace tessera;

namespace {

// A user's own ops, made of nothing but the public headers.

Tensor scaled(const Tensor& x, double factor) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "scaled", [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < x.numel(); ++i) y.mutable_data<T>()[i] = static_cast<T>(factor) * x.data<T>()[i];
  });
  return y;
}

struct ScaleNode final : Node {  // saves the factor;  grad_x = factor * g
  explicit ScaleNode(double factor) : factor_(factor) {}
  std::string_view name() const override { return "scale"; }
  Attributes attributes() const override { return {{"factor", factor_}}; }
  Grads backward(const Tensor& grad_output, Needs) override { return {scaled(grad_output, factor_)}; }
  double factor_;
};

Tensor scale(const Tensor& x, double factor) { return record<ScaleNode>(scaled(x, factor), {x}, factor); }

Tensor multiplied(const Tensor& a, const Tensor& b) {
  Tensor y = Tensor::empty(a.shape(), a.dtype());
  dispatch_float(a.dtype(), "multiplied", [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < a.numel(); ++i) y.mutable_data<T>()[i] = a.data<T>()[i] * b.data<T>()[i];
  });
  return y;
}

struct TimesNode final : Node {  // saves a, b;  grad_a = g * b, grad_b = g * a
  TimesNode(const Tensor& a, const Tensor& b) : a_(a), b_(b) {}
  std::string_view name() const override { return "times"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    return {needs[0] ? multiplied(grad_output, b_) : Tensor(), needs[1] ? multiplied(grad_output, a_) : Tensor()};
  }
  Saved a_, b_;
};

Tensor times(const Tensor& a, const Tensor& b) { return record<TimesNode>(multiplied(a, b), {a, b}, a, b); }

struct SumNode final : Node {  // saves how many inputs;  every gradient = g
  explicit SumNode(std::size_t count) : count_(count) {}
  std::string_view name() const override { return "sum"; }
  Grads backward(const Tensor& grad_output, Needs) override { return Grads(count_, grad_output); }
  std::size_t count_;
};

Tensor sum(const std::vector<Tensor>& terms) {
  Tensor y = Tensor::zeros(terms[0].shape(), terms[0].dtype());
  for (const Tensor& term : terms)
    for (std::int64_t i = 0; i < y.numel(); ++i) y.mutable_data<float>()[i] += term.data<float>()[i];
  return record<SumNode>(y, terms, terms.size());
}

struct DoubleAndTripleNode final : Node {  // saves nothing;  grad_x = 2 g0 + 3 g1
  std::string_view name() const override { return "double_and_triple"; }
  Grads backward(const Tensor&, Needs) override { return {}; }
  Grads backward_many(const std::vector<Tensor>& grads, Needs) override {
    seen = {grads[0].defined(), grads[1].defined()};
    Grads parts;
    if (grads[0].defined()) parts.push_back(scaled(grads[0], 2));
    if (grads[1].defined()) parts.push_back(scaled(grads[1], 3));
    return {sum(parts)};
  }
  static inline std::vector<bool> seen;
};

std::vector<Tensor> double_and_triple(const Tensor& x) {
  std::vector<Tensor> y{scaled(x, 2), scaled(x, 3)};
  record_many<DoubleAndTripleNode>(y, {x});
  return y;
}

struct BadShapeNode final : Node {
  std::string_view name() const override { return "bad_shape"; }
  Grads backward(const Tensor&, Needs) override { return {Tensor::zeros({3})}; }
};

struct TooManyNode final : Node {
  std::string_view name() const override { return "too_many"; }
  Grads backward(const Tensor& grad_output, Needs) override { return {grad_output, grad_output}; }
};

Tensor leaf(float a, float b) {
  Tensor x = Tensor::from({a, b}, {2});
  x.set_requires_grad();
  return x;
}

std::vector<float> numbers(const Tensor& x) { return {x.data<float>(), x.data<float>() + x.numel()}; }
using Numbers = std::vector<float>;

const Tensor ones2 = Tensor::ones({2});

}  // namespace

TEST_CASE("a user's op passes gradcheck") {
  const auto f = [](const std::vector<Tensor>& in) { return times(scale(in[0], 3), in[1]); };
  const auto report = gradcheck(f, {Tensor::from({1.0, 2.0}, {2}), Tensor::from({3.0, 4.0}, {2})});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("gradients add up over uses of a leaf and over backward passes") {
  Tensor x = leaf(1, 2);
  CHECK_FALSE(x.grad().defined());
  const Tensor y = sum({scale(x, 3), scale(x, 4), x});
  y.backward(ones2);
  CHECK(numbers(x.grad()) == Numbers{8, 8});
  scale(x, 10).backward(Tensor::from({1.0f, 2.0f}, {2}));
  CHECK(numbers(x.grad()) == Numbers{18, 28});
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a gradient that the caller holds does not change under him") {
  Tensor x = leaf(1, 2);
  scale(x, 3).backward(ones2);
  const Tensor first = x.grad();
  scale(x, 3).backward(ones2);
  CHECK(numbers(first) == Numbers{3, 3});
  CHECK(numbers(x.grad()) == Numbers{6, 6});
  const Tensor upstream = Tensor::ones({2});
  Tensor z = leaf(1, 2);
  z.backward(upstream);
  z.backward(upstream);
  CHECK(numbers(z.grad()) == Numbers{2, 2});
  CHECK(numbers(upstream) == Numbers{1, 1});
}

TEST_CASE("a graph is used once unless it is retained") {
  Tensor x = leaf(1, 2);
  const Tensor y = times(x, x);
  y.backward(ones2, true);
  y.backward(ones2);
  CHECK(numbers(x.grad()) == Numbers{4, 8});
  CHECK_THROWS_WITH_AS(y.backward(ones2),
                       "backward: the graph behind times was already freed by an earlier backward pass; pass "
                       "retain_graph = true to that one",
                       ValueError);
  CHECK(numbers(x.grad()) == Numbers{4, 8});
}

TEST_CASE("two outputs that share a part of the graph need it retained") {
  Tensor x = leaf(1, 2);
  const Tensor shared = scale(x, 2);
  const Tensor a = scale(shared, 3), b = scale(shared, 5);
  a.backward(ones2);
  CHECK_THROWS_AS(b.backward(ones2), ValueError);
  CHECK(numbers(x.grad()) == Numbers{6, 6});
}

TEST_CASE("a write to a saved tensor is an error that names the op and its module") {
  Tensor a = leaf(1, 2);
  Tensor b = Tensor::from({3.0f, 4.0f}, {2});
  Tensor y;
  {
    const ModuleScope scope("decoder.up");
    y = times(a, b);
  }
  b.fill_(0);
  CHECK_THROWS_WITH_AS(y.backward(ones2),
                       "backward of decoder.up (times): a tensor of shape [2] that it saved was written to after the "
                       "forward pass",
                       ValueError);
  CHECK_FALSE(a.grad().defined());
}

TEST_CASE("a write through another handle or a view of the saved numbers is seen too") {
  Tensor a = leaf(1, 2);
  Tensor b = Tensor::from({3.0f, 4.0f}, {2});
  const Tensor y = times(a, b);
  b.detach().mutable_data<float>()[0] = 9;
  CHECK_THROWS_AS(y.backward(ones2), ValueError);
}

TEST_CASE("nothing is recorded under NoGrad and behind detach") {
  Tensor x = leaf(1, 2);
  {
    const NoGrad no_grad;
    CHECK_FALSE(grad_enabled());
    CHECK_FALSE(scale(x, 3).requires_grad());
  }
  CHECK(grad_enabled());
  const Tensor y = times(x.detach(), scale(x, 3));
  y.backward(ones2);
  CHECK(numbers(x.grad()) == Numbers{3, 6});
  CHECK_FALSE(x.detach().requires_grad());
  CHECK_FALSE(scale(x.detach(), 2).requires_grad());
}

TEST_CASE("a frozen leaf gets no gradient, frozen before the forward pass or after it") {
  Tensor a = leaf(1, 2), b = leaf(3, 4);
  a.set_requires_grad(false);
  times(a, b).backward(ones2);
  CHECK_FALSE(a.grad().defined());
  CHECK(numbers(b.grad()) == Numbers{1, 2});

  a.set_requires_grad(true);
  const Tensor y = times(a, b);
  b.set_requires_grad(false);
  y.backward(ones2);
  CHECK(numbers(a.grad()) == Numbers{3, 4});
  CHECK(numbers(b.grad()) == Numbers{1, 2});
}

TEST_CASE("a hook fires once a backward pass with the final gradient") {
  Tensor x = leaf(1, 2);
  std::vector<Numbers> seen;
  x.on_gradient_ready([&](const Tensor& grad) { seen.push_back(numbers(grad)); });
  sum({scale(x, 3), times(x, x), scale(scale(x, 2), 2), x, x}).backward(ones2);
  CHECK(seen == std::vector<Numbers>{{11, 13}});
  scale(x, 1).backward(ones2);
  CHECK(seen == std::vector<Numbers>{{11, 13}, {12, 14}});
}

TEST_CASE("hooks are for leaves") {
  Tensor y = scale(leaf(1, 2), 3);
  CHECK_THROWS_WITH_AS(y.on_gradient_ready([](const Tensor&) {}),
                       "on_gradient_ready: this tensor was made by scale; only leaves keep a gradient", ValueError);
}

TEST_CASE("an op of two outputs gets an undefined gradient for the one that is not used") {
  Tensor x = leaf(1, 2);
  double_and_triple(x)[1].backward(ones2);
  CHECK(DoubleAndTripleNode::seen == std::vector<bool>{false, true});
  CHECK(numbers(x.grad()) == Numbers{3, 3});
  const auto y = double_and_triple(x);
  sum({y[0], y[1], y[0]}).backward(ones2);
  CHECK(DoubleAndTripleNode::seen == std::vector<bool>{true, true});
  CHECK(numbers(x.grad()) == Numbers{10, 10});
}

TEST_CASE("integer outputs of an op carry no gradient") {
  Tensor x = leaf(1, 2);
  std::vector<Tensor> y{scaled(x, 2), Tensor::zeros({2}, i32)};
  record_many<DoubleAndTripleNode>(y, {x});
  CHECK(y[0].requires_grad());
  CHECK_FALSE(y[1].requires_grad());
}

TEST_CASE("a chain of 100,000 ops overflows no stack, whether backward ran or not") {
  const auto chain = [](const Tensor& x) {
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = scale(y, 1);
    return y;
  };
  Tensor x = leaf(1, 2);
  { const Tensor unused = chain(x); }
  {
    const Tensor y = chain(x);
    y.backward(ones2, true);
  }
  chain(x).backward(ones2);
  CHECK(numbers(x.grad()) == Numbers{2, 2});
}

TEST_CASE("an op that returns a gradient of the wrong shape or number is an error that says so") {
  Tensor x = leaf(1, 2);
  const Tensor y = record<BadShapeNode>(scaled(x, 1), {x});
  CHECK_THROWS_WITH_AS(y.backward(ones2),
                       "backward of bad_shape: the gradient of input 0 should be f32 [2], got f32 [3]", ShapeError);
  const Tensor z = record<TooManyNode>(scaled(x, 1), {x});
  CHECK_THROWS_WITH_AS(z.backward(ones2), "backward of too_many: expected 1 gradients, one for each input, got 2",
                       ValueError);
  scale(x, 3).backward(ones2);
  CHECK(numbers(x.grad()) == Numbers{3, 3});
}

TEST_CASE("backward refuses to start where it has nothing to start with") {
  Tensor x = leaf(1, 2);
  CHECK_THROWS_WITH_AS(scale(x, 2).backward(),
                       "backward: a tensor of shape [2] needs the gradient to start with; only one of a single element "
                       "starts with 1",
                       ShapeError);
  CHECK_THROWS_WITH_AS(scale(x, 2).backward(Tensor::ones({3})), "backward: expected a gradient f32 [2], got f32 [3]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(ones2.detach().backward(), "backward: nothing below this tensor of shape [2] wants a gradient",
                       ValueError);
  Tensor scalar = Tensor::scalar(5).set_requires_grad();
  times(scalar, scalar).backward();
  CHECK(scalar.grad().item() == 10);
}

TEST_CASE("only float leaves can be marked") {
  CHECK_THROWS_WITH_AS(Tensor::zeros({2}, i32).set_requires_grad(),
                       "set_requires_grad: only f32 and f64 tensors have gradients, this one is i32", ValueError);
  CHECK_THROWS_WITH_AS(
      scale(leaf(1, 2), 2).set_requires_grad(),
      "set_requires_grad: this tensor was made by scale; only leaves can be marked (detach() it first)", ValueError);
}

TEST_CASE("a trace lists every op with its options, tensors and module, recorded or not") {
  Tensor x = leaf(1, 2), y, z;
  const Trace recorded = trace([&] {
    const ModuleScope scope("head");
    y = scale(x, 3);
    const NoGrad no_grad;
    z = record_constant("round", y.detach().to(i32), {y}, {{"mode", std::string("down")}});
  });
  REQUIRE(recorded.ops.size() == 3);
  CHECK(recorded.ops[0].name == "scale");
  CHECK(recorded.ops[0].path == "head");
  CHECK(attribute_or(recorded.ops[0].attributes, "factor", 0.0) == 3);
  CHECK(recorded.ops[0].inputs[0].is_same(x));
  CHECK(recorded.ops[0].outputs[0].is_same(y));
  CHECK(recorded.ops[1].name == "cast");
  CHECK(recorded.ops[2].name == "round");
  CHECK(recorded.ops[2].inputs[0].is_same(y));
  CHECK(to_string(recorded.ops[2].attributes[0].second) == "down");
  CHECK(trace([] {}).ops.empty());
}
