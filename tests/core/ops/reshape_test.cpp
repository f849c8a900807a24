#include <doctest/doctest.h>

#include <tessera/core/gradcheck.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("reshape keeps the order of the elements and shares their memory") {
  const Tensor x = Tensor::arange(12, i32);
  const Tensor y = x.reshape({2, 3, 2});
  CHECK(y.shape() == Shape{2, 3, 2});
  CHECK(y.at({1, 0, 1}) == 7);
  CHECK(y.data<std::int32_t>() == x.data<std::int32_t>());
}

TEST_CASE("reshape infers one size of -1, also of an empty batch") {
  CHECK(Tensor::zeros({4, 6}).reshape({3, -1}).shape() == Shape{3, 8});
  CHECK(Tensor::zeros({0, 4, 4, 3}).reshape({-1, 48}).shape() == Shape{0, 48});
  CHECK(Tensor::scalar(3).reshape({1, 1}).shape() == Shape{1, 1});
  CHECK(Tensor::zeros({1}).reshape({}).shape() == Shape{});
}

TEST_CASE("reshape passes gradcheck") {
  const auto f = [](const std::vector<Tensor>& in) { return in[0].reshape({2, -1}); };
  const GradcheckReport report = gradcheck(f, {random_tensor({3, 4})});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("reshape says what does not fit") {
  const Tensor x = Tensor::zeros({4, 6});
  CHECK_THROWS_WITH_AS(x.reshape({5, 5}), "reshape: [4, 6] has 24 elements, which do not fit into [5, 5]", ShapeError);
  CHECK_THROWS_WITH_AS(x.reshape({5, -1}), "reshape: [4, 6] has 24 elements, which do not fit into [5, -1]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(Tensor::zeros({0, 3}).reshape({0, -1}),
                       "reshape: [0, 3] has 0 elements, which do not fit into [0, -1]", ShapeError);
  CHECK_THROWS_WITH_AS(x.reshape({-1, -1}), "reshape: expected sizes of 0 or more and at most one -1, got [-1, -1]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(x.reshape({-2, 12}), "reshape: expected sizes of 0 or more and at most one -1, got [-2, 12]",
                       ShapeError);
}
