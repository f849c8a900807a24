#include <doctest/doctest.h>

#include <string>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>

using namespace tessera;

namespace {

template <class F>
Tensor elementwise(const Tensor& a, const Tensor& b, F f) {
  Tensor y = Tensor::empty(a.shape(), a.dtype());
  for (std::int64_t i = 0; i < a.numel(); ++i)
    y.mutable_data<double>()[i] = f(a.data<double>()[i], b.data<double>()[i]);
  return y;
}

enum class Bug { none, wrong_element, ignores_upstream, undefined, depends_on_needs };

struct ProductNode final : Node {  // saves a, b;  grad_a = g * b, grad_b = g * a
  ProductNode(const Tensor& a, const Tensor& b, Bug bug) : a_(a), b_(b), bug_(bug) {}
  std::string_view name() const override { return "product"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    const auto times = [](double x, double y) { return x * y; };
    Tensor grad_a = elementwise(grad_output, b_, times), grad_b = elementwise(grad_output, a_, times);
    if (bug_ == Bug::wrong_element) grad_b.mutable_data<double>()[2] += 0.25;
    if (bug_ == Bug::ignores_upstream) grad_a = b_.get().clone();
    if (bug_ == Bug::undefined) grad_a = Tensor();
    if (bug_ == Bug::depends_on_needs && !needs[1]) grad_a = grad_b;
    return {grad_a, grad_b};
  }
  Saved a_, b_;
  Bug bug_;
};

GradcheckReport check_product(Bug bug, const GradcheckOptions& options = {}) {
  const auto product = [bug](const std::vector<Tensor>& in) {
    const Tensor y = elementwise(in[0], in[1], [](double x, double z) { return x * z; });
    return record<ProductNode>(y, in, in[0], in[1], bug);
  };
  return gradcheck(product, {Tensor::from({1.0, 2.0, 3.0, 4.0}, {2, 2}), Tensor::from({5.0, 6.0, 7.0, 8.0}, {2, 2})},
                   options);
}

bool mentions(const GradcheckReport& report, const std::string& text) {
  return report.str().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("gradcheck passes a right op in full and in fast mode") {
  const GradcheckReport full = check_product(Bug::none);
  CHECK_MESSAGE(full.passed, full.str());
  CHECK(full.compared == 8);
  CHECK(full.worst.error < 1e-8);
  CHECK(mentions(full, "gradcheck passed: 8 gradients compared; the worst is input "));
  const GradcheckReport fast = check_product(Bug::none, {.fast = true});
  CHECK_MESSAGE(fast.passed, fast.str());
  CHECK(fast.compared == 2);
}

TEST_CASE("gradcheck names the element whose gradient is wrong") {
  const GradcheckReport report = check_product(Bug::wrong_element);
  CHECK_FALSE(report);
  CHECK(report.worst.input == 1);
  CHECK(report.worst.index == std::vector<std::int64_t>{1, 0});
  CHECK(report.worst.analytic - report.worst.numeric == doctest::Approx(0.25));
  CHECK(mentions(report, "gradcheck failed: 8 gradients compared; the worst is input 1 at [1, 0]: "));
  CHECK(mentions(report, "backward disagrees with central differences by more than 1e-06"));
  CHECK_FALSE(check_product(Bug::wrong_element, {.fast = true}));
}

TEST_CASE("gradcheck catches a gradient that ignores the upstream one") {
  const GradcheckReport report = check_product(Bug::ignores_upstream);
  CHECK_FALSE(report);
  CHECK(mentions(report, "a zero upstream gradient gives input 0 a gradient that is not zero"));
}

TEST_CASE("gradcheck reports a gradient that is missing") {
  const GradcheckReport report = check_product(Bug::undefined);
  CHECK_FALSE(report);
  CHECK(report.worst.input == 0);
  CHECK(mentions(report, "note: input 0 got no gradient, taken as zero"));
}

TEST_CASE("gradcheck catches a gradient that changes with which inputs want one") {
  const GradcheckReport report = check_product(Bug::depends_on_needs);
  CHECK_FALSE(report);
  CHECK(mentions(report, "input 0 gets another gradient when only inputs [0] want one"));
}

TEST_CASE("gradcheck catches a function that does not repeat") {
  int calls = 0;
  const auto counting = [&](const std::vector<Tensor>&) { return Tensor::full({2}, ++calls, f64); };
  CHECK(mentions(gradcheck(counting, {Tensor::ones({2}, f64)}), "two forward passes over the same inputs differ"));
}

TEST_CASE("gradcheck leaves its inputs as they were and takes doubles only") {
  Tensor x = Tensor::from({1.0, 2.0}, {2});
  const auto copy = [](const std::vector<Tensor>& in) { return in[0].clone(); };
  CHECK(gradcheck(copy, {x}));
  CHECK(x.version() == 1);
  CHECK_FALSE(x.requires_grad());
  CHECK(gradcheck(copy, {Tensor::empty({0, 3}, f64)}));
  CHECK(gradcheck(copy, {Tensor::scalar(3, f64)}));
  CHECK_THROWS_WITH_AS(gradcheck(copy, {x, Tensor::ones({2})}), "gradcheck: expected f64 inputs, got f32 for input 1",
                       ValueError);
  const auto narrow = [](const std::vector<Tensor>& in) { return in[0].to(f32); };
  CHECK_THROWS_WITH_AS(gradcheck(narrow, {x}), "gradcheck: expected an f64 output, got f32", ValueError);
}
