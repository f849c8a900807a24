#include <doctest/doctest.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/compare.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

using Values = std::vector<double>;

TEST_CASE("comparisons give u8 ones and zeros for every type") {
  for (const DType dtype : {f32, f64, i32, u8}) {
    const Tensor a = Tensor::from({1.0, 2.0, 3.0}, {3}).to(dtype), b = Tensor::from({2.0, 2.0, 2.0}, {3}).to(dtype);
    CHECK(equal(a, b).dtype() == u8);
    CHECK(values(equal(a, b)) == Values{0, 1, 0});
    CHECK(values(not_equal(a, b)) == Values{1, 0, 1});
    CHECK(values(less(a, b)) == Values{1, 0, 0});
    CHECK(values(less_equal(a, b)) == Values{1, 1, 0});
    CHECK(values(greater(a, b)) == Values{0, 0, 1});
    CHECK(values(greater_equal(a, b)) == Values{0, 1, 1});
    CHECK(values(equal(a, 2)) == Values{0, 1, 0});
    CHECK(values(not_equal(a, 2)) == Values{1, 0, 1});
    CHECK(values(less(a, 2.5)) == Values{1, 1, 0});
    CHECK(values(less_equal(a, 2.5)) == Values{1, 1, 0});
    CHECK(values(greater(a, 2.5)) == Values{0, 0, 1});
    CHECK(values(greater_equal(a, -1)) == Values{1, 1, 1});
  }
  CHECK(equal(Tensor::from({0.1f}, {1}), 0.1).item() == 1);
}

TEST_CASE("comparisons broadcast and carry no gradient") {
  Tensor row = Tensor::from({1.0, 2.0, 3.0}, {3}).set_requires_grad();
  const Tensor column = Tensor::from({1.0, 3.0}, {2, 1});
  const Tensor y = greater_equal(row, column);
  CHECK(y.shape() == Shape{2, 3});
  CHECK(values(y) == Values{1, 1, 1, 0, 0, 1});
  CHECK_FALSE(y.requires_grad());
  CHECK(less(Tensor::zeros({0, 3}), Tensor::scalar(1)).shape() == Shape{0, 3});
}

TEST_CASE("where takes from the first where the condition holds, else from the second") {
  const Tensor condition = Tensor::from<std::uint8_t>({1, 0, 2}, {3});
  const Tensor a = Tensor::from({1.0, 2.0, 3.0}, {3}), b = Tensor::from({-1.0, -2.0}, {2, 1});
  CHECK(values(where(condition, a, b)) == Values{1, -1, 3, 1, -2, 3});
  CHECK(values(where(condition, a, 0)) == Values{1, 0, 3});
  CHECK(values(where(condition, 9, a)) == Values{9, 2, 9});
  CHECK(values(where(condition, a.to(i32), a.to(i32))) == Values{1, 2, 3});
}

TEST_CASE("where passes gradcheck") {
  const Tensor condition = Tensor::from<std::uint8_t>({1, 0, 1}, {3});
  const auto f = [&](const std::vector<Tensor>& in) { return where(condition, in[0], in[1]); };
  const std::pair<Shape, Shape> cases[] = {{{3}, {3}}, {{2, 1}, {3}}, {{}, {2, 3}}, {{0, 3}, {3}}};
  for (const auto& shapes : cases) {
    const GradcheckReport report = gradcheck(f, {random_tensor(shapes.first), random_tensor(shapes.second, 2)});
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("comparisons and where say what does not fit") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(less(x, x.to(i32)),
                       "less: expected operands of one type, got f32 and i32; convert one with to()", ValueError);
  CHECK_THROWS_WITH_AS(equal(x, Tensor::zeros({2})),
                       "equal: shapes [2, 3] and [2] do not broadcast: sizes 3 and 2 differ and neither is 1",
                       ShapeError);
  CHECK_THROWS_WITH_AS(where(x, x, x), "where: expected a u8 condition, as comparisons give, got f32", ValueError);
}
