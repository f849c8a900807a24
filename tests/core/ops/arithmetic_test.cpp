#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

struct BinaryOp {
  const char* name;
  Tensor (*op)(const Tensor&, const Tensor&);
  double (*reference)(double, double);
};

const BinaryOp ops[] = {
    {"add", add, [](double a, double b) { return a + b; }},
    {"sub", sub, [](double a, double b) { return a - b; }},
    {"mul", mul, [](double a, double b) { return a * b; }},
    {"div", div, [](double a, double b) { return a / b; }},
    {"minimum", minimum, [](double a, double b) { return std::min(a, b); }},
    {"maximum", maximum, [](double a, double b) { return std::max(a, b); }},
    {"pow", pow, [](double a, double b) { return std::pow(a, b); }},
};

struct Pair {
  Shape a, b;
};

const Pair pairs[] = {
    {{2, 3}, {2, 3}},
    {{}, {}},
    {{2, 3}, {}},
    {{}, {3}},
    {{2, 3, 4}, {4}},
    {{4}, {2, 3, 4}},
    {{2, 3}, {2, 1}},
    {{2, 1}, {2, 3}},
    {{3, 1}, {1, 4}},
    {{2, 3, 1, 5}, {3, 4, 1}},
    {{2, 1, 3, 1, 2}, {1, 2, 3, 2, 1}},
    {{1, 1}, {1}},
    {{0, 3}, {3}},
    {{2, 0}, {2, 1}},
    {{1, 5}, {0, 1}},
};

/// Positive, without ties between the two operands and away from 0.
Tensor operand(const Shape& shape, std::uint64_t seed) {
  const Tensor x = distinct_tensor(shape, seed);
  Tensor y = Tensor::empty(shape, f64);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    y.mutable_data<double>()[i] = std::exp(x.data<double>()[i] / 2) + 0.003 * static_cast<double>(seed);
  return y;
}

/// The element of an operand that stands at an index of the result, by NumPy's rule.
double element(const Tensor& x, const Shape& result, std::int64_t position) {
  std::int64_t offset = 0, volume = 1;
  for (std::int64_t axis = result.rank() - 1, own = x.rank() - 1; axis >= 0; --axis, --own) {
    const std::int64_t at = position % result[axis];
    position /= result[axis];
    if (own < 0) continue;
    if (x.shape()[own] != 1) offset += at * volume;
    volume *= x.shape()[own];
  }
  return values(x)[static_cast<std::size_t>(offset)];
}

}  // namespace

TEST_CASE("binary ops broadcast as NumPy does, in double and in float") {
  for (const BinaryOp& op : ops)
    for (const Pair& pair : pairs) {
      INFO(op.name, " of ", pair.a.str(), " and ", pair.b.str());
      const Tensor a = operand(pair.a, 1), b = operand(pair.b, 2), y = op.op(a, b);
      REQUIRE(y.shape() == broadcast_shapes(pair.a, pair.b, op.name));
      Tensor expected = Tensor::empty(y.shape(), f64);
      for (std::int64_t i = 0; i < y.numel(); ++i)
        expected.mutable_data<double>()[i] = op.reference(element(a, y.shape(), i), element(b, y.shape(), i));
      CHECK(difference(y, expected) < 1e-15);
      CHECK(difference(op.op(a.to(f32), b.to(f32)), expected.to(f32)) < 1e-4);
    }
}

TEST_CASE("binary ops pass gradcheck over every kind of broadcasting") {
  for (const BinaryOp& op : ops)
    for (const Pair& pair : pairs) {
      const auto f = [&](const std::vector<Tensor>& in) { return op.op(in[0], in[1]); };
      const GradcheckReport report = gradcheck(f, {operand(pair.a, 1), operand(pair.b, 2)});
      CHECK_MESSAGE(report.passed, op.name, " ", pair.a.str(), " ", pair.b.str(), ": ", report.str());
    }
}

TEST_CASE("operators take tensors and numbers on either side") {
  const Tensor x = Tensor::from({1.0f, 2.0f, 4.0f}, {3}), y = Tensor::from({3.0f, 5.0f, 7.0f}, {3});
  using Values = std::vector<double>;
  CHECK(values(x + y) == Values{4, 7, 11});
  CHECK(values(x - y) == Values{-2, -3, -3});
  CHECK(values(x * y) == Values{3, 10, 28});
  CHECK(values(y / x) == Values{3, 2.5, 1.75});
  CHECK(values(-x) == Values{-1, -2, -4});
  CHECK(values(x + 1) == Values{2, 3, 5});
  CHECK(values(1 + x) == Values{2, 3, 5});
  CHECK(values(x - 1) == Values{0, 1, 3});
  CHECK(values(1 - x) == Values{0, -1, -3});
  CHECK(values(2 * x) == Values{2, 4, 8});
  CHECK(values(x * 2) == Values{2, 4, 8});
  CHECK(values(x / 2) == Values{0.5, 1, 2});
  CHECK(values(8 / x) == Values{8, 4, 2});
  CHECK(values(minimum(x, 2)) == Values{1, 2, 2});
  CHECK(values(maximum(x, 2)) == Values{2, 2, 4});
  CHECK((x + 1).dtype() == f32);
}

TEST_CASE("operators with numbers pass gradcheck") {
  const auto f = [](const std::vector<Tensor>& in) {
    return (2 - in[0] * 3) / (1 + in[0]) - 5 / in[0] + (-in[0] - 1) / 2;
  };
  const GradcheckReport report = gradcheck(f, {operand({2, 3}, 1)});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("one tensor may be both operands") {
  const auto f = [](const std::vector<Tensor>& in) { return in[0] * in[0] + in[0] / in[0] - pow(in[0], in[0]); };
  const GradcheckReport report = gradcheck(f, {operand({2, 3}, 1)});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("a tie of minimum or maximum gives each operand half the gradient") {
  Tensor a = Tensor::from({1.0, 2.0, 3.0}, {3}).set_requires_grad();
  Tensor b = Tensor::from({2.0, 2.0, 2.0}, {3}).set_requires_grad();
  maximum(a, b).backward(Tensor::full({3}, 4, f64));
  CHECK(values(a.grad()) == std::vector<double>{0, 2, 4});
  CHECK(values(b.grad()) == std::vector<double>{4, 2, 0});
  a.zero_grad();
  minimum(a, b).backward(Tensor::full({3}, 4, f64));
  CHECK(values(a.grad()) == std::vector<double>{4, 2, 0});
}

TEST_CASE("minimum and maximum let a NaN of either operand through") {
  const Tensor a = Tensor::from({std::nan(""), 1.0}, {2}), b = Tensor::from({1.0, std::nan("")}, {2});
  for (const Tensor& y : {minimum(a, b), maximum(a, b)}) {
    CHECK(std::isnan(y.at({0})));
    CHECK(std::isnan(y.at({1})));
  }
}

TEST_CASE("broadcasting is right across the borders of chunks") {
  const std::int64_t rows = 5000, columns = 7;
  const Tensor a = random_tensor({rows, columns}), b = random_tensor({columns}, 2), c = random_tensor({rows, 1}, 3);
  const Tensor y = a + b, z = a * c;
  bool right = true;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < columns; ++i) {
      const double value = a.data<double>()[r * columns + i];
      right = right && y.data<double>()[r * columns + i] == value + b.data<double>()[i];
      right = right && z.data<double>()[r * columns + i] == value * c.data<double>()[r];
    }
  CHECK(right);
}

TEST_CASE("binary ops say what does not fit") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(x + Tensor::zeros({4}),
                       "add: shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 differ and neither is 1",
                       ShapeError);
  CHECK_THROWS_WITH_AS(x * Tensor::zeros({3}, f64),
                       "mul: expected operands of one type, got f32 and f64; convert one with to()", ValueError);
  CHECK_THROWS_WITH_AS(x.to(i32) - x.to(i32), "sub: expected a float tensor (f32 or f64), got i32", ValueError);
}
