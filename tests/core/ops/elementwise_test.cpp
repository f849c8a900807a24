#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

struct Row {
  const char* name;
  Tensor (*op)(const Tensor&);
  double (*reference)(double);
  bool positive_only = false;
};

const Row rows[] = {
    {"exp", [](const Tensor& x) { return exp(x); }, [](double x) { return std::exp(x); }},
    {"log", [](const Tensor& x) { return log(x); }, [](double x) { return std::log(x); }, true},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, true},
    {"abs", [](const Tensor& x) { return abs(x); }, [](double x) { return x < 0 ? -x : x; }},
    {"sign", [](const Tensor& x) { return sign(x); }, [](double x) { return x < 0 ? -1.0 : 1.0; }},
    {"neg", [](const Tensor& x) { return neg(x); }, [](double x) { return 0 - x; }},
    {"pow 0", [](const Tensor& x) { return pow(x, 0); }, [](double) { return 1.0; }},
    {"pow 2", [](const Tensor& x) { return pow(x, 2); }, [](double x) { return x * x; }},
    {"pow 3", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; }},
    {"pow -1.5", [](const Tensor& x) { return pow(x, -1.5); }, [](double x) { return 1 / (x * std::sqrt(x)); }, true},
    {"clamp", [](const Tensor& x) { return clamp(x, -0.5, 1); },
     [](double x) { return x < -0.5 ? -0.5
                           : x > 1  ? 1
                                    : x; }},
    {"clamp below", [](const Tensor& x) { return clamp(x, 0.5, std::nullopt); },
     [](double x) { return x < 0.5 ? 0.5 : x; }},
    {"clamp above", [](const Tensor& x) { return clamp(x, std::nullopt, 0.5); },
     [](double x) { return x > 0.5 ? 0.5 : x; }},
};

Tensor input_of(const Row& row, const Shape& shape) {
  const Tensor x = distinct_tensor(shape);
  return row.positive_only ? exp(x) : x;
}

}  // namespace

TEST_CASE("elementwise ops equal the standard library's functions") {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Tensor x = input_of(row, {4, 9});
    std::vector<double> expected = values(x);
    for (double& value : expected) value = row.reference(value);
    const Tensor wanted = Tensor::from(expected, x.shape());
    const double scale = 1 + std::abs(*std::max_element(expected.begin(), expected.end()));
    CHECK(difference(row.op(x), wanted) < 1e-14 * scale);
    CHECK(difference(row.op(x.to(f32)), wanted.to(f32)) < 1e-5 * scale);
  }
}

TEST_CASE("elementwise ops pass gradcheck") {
  for (const Row& row : rows)
    for (const Shape& shape : {Shape{4, 3}, Shape{}, Shape{0}}) {
      const auto f = [&](const std::vector<Tensor>& in) { return row.op(in[0]); };
      const GradcheckReport report = gradcheck(f, {input_of(row, shape)});
      CHECK_MESSAGE(report.passed, row.name, ": ", report.str());
    }
}

TEST_CASE("results do not depend on where a chunk ends") {
  const Tensor x = random_tensor({3 * 16384 + 5}, 1, f32);
  const Tensor y = abs(x);
  for (const std::int64_t i : {0, 16383, 16384, 32768, 49151, 49156}) CHECK(y.at({i}) == std::abs(x.at({i})));
}

TEST_CASE("gradients at the kinks: abs 0 at 0, clamp passes at its bounds, sign gives zero") {
  Tensor x = Tensor::from({-1.0, 0.0, 2.0}, {3}).set_requires_grad();
  abs(x).backward(Tensor::ones({3}, f64));
  CHECK(values(x.grad()) == std::vector<double>{-1, 0, 1});
  x.zero_grad();
  clamp(x, -1, 2).backward(Tensor::ones({3}, f64));
  CHECK(values(x.grad()) == std::vector<double>{1, 1, 1});
  x.zero_grad();
  sign(x).backward(Tensor::ones({3}, f64));
  CHECK(values(x.grad()) == std::vector<double>{0, 0, 0});
  CHECK(values(sign(x)) == std::vector<double>{-1, 0, 1});
}

TEST_CASE("elementwise ops say what is wrong") {
  const Tensor x = random_tensor({3});
  CHECK_THROWS_WITH_AS(clamp(x, 2, 1), "clamp: expected low <= high, got 2 and 1", ValueError);
  CHECK_THROWS_WITH_AS(exp(x.to(u8)), "exp: expected a float tensor (f32 or f64), got u8", ValueError);
}
