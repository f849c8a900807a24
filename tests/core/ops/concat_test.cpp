#include <doctest/doctest.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("slice takes a part of an axis") {
  const Tensor x = Tensor::arange(12, i32).reshape({3, 4});
  CHECK(values(slice(x, 0, 1, 3)) == std::vector<double>{4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(values(slice(x, 1, 1, 3)) == std::vector<double>{1, 2, 5, 6, 9, 10});
  CHECK(values(slice(x, -1, -2, -1)) == std::vector<double>{2, 6, 10});
  CHECK(slice(x, 1, 2, 2).shape() == Shape{3, 0});
  CHECK(slice(Tensor::zeros({0, 4}), 1, 1, 3).shape() == Shape{0, 2});
}

TEST_CASE("concat puts tensors one after the other along any axis") {
  const Tensor a = Tensor::arange(4, f64).reshape({2, 2}), b = Tensor::arange(6, f64).reshape({2, 3});
  CHECK(values(concat({a, b}, 1)) == std::vector<double>{0, 1, 0, 1, 2, 2, 3, 3, 4, 5});
  CHECK(values(concat({a, a}, 0)) == std::vector<double>{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(values(concat({a, Tensor::zeros({2, 0}, f64)}, -1)) == values(a));
  CHECK(concat({Tensor::zeros({0, 2, 2, 3}), Tensor::zeros({0, 2, 2, 5})}, 3).shape() == Shape{0, 2, 2, 8});
  for (const DType dtype : {f32, i32, u8})
    CHECK(values(concat({Tensor::arange(2, dtype)}, 0)) == std::vector<double>{0, 1});
}

TEST_CASE("stack adds an axis") {
  const Tensor a = Tensor::arange(3, f64), b = Tensor::full({3}, 7, f64);
  CHECK(stack({a, b}, 0).shape() == Shape{2, 3});
  CHECK(values(stack({a, b}, 0)) == std::vector<double>{0, 1, 2, 7, 7, 7});
  CHECK(stack({a, b}, -1).shape() == Shape{3, 2});
  CHECK(values(stack({a, b}, 1)) == std::vector<double>{0, 7, 1, 7, 2, 7});
}

TEST_CASE("split undoes concat") {
  const Tensor x = random_tensor({2, 3, 7, 5});
  for (std::int64_t axis = 0; axis < 4; ++axis) {
    const std::int64_t size = x.size(axis);
    const std::vector<Tensor> parts = split(x, {1, 0, size - 1}, axis);
    REQUIRE(parts.size() == 3);
    CHECK(parts[1].size(axis) == 0);
    CHECK(difference(parts[2], slice(x, axis, 1, size)) == 0);
    CHECK(difference(concat(parts, axis), x) == 0);
  }
  CHECK(split_evenly(Tensor::zeros({2, 6}), 3, -1)[2].shape() == Shape{2, 2});
}

TEST_CASE("slice, concat, stack and split pass gradcheck") {
  const auto check = [](auto f, const std::vector<Tensor>& inputs) {
    const GradcheckReport report = gradcheck(f, inputs);
    CHECK_MESSAGE(report.passed, report.str());
  };
  using In = const std::vector<Tensor>&;
  const Tensor a = random_tensor({2, 3, 4}, 1), b = random_tensor({2, 2, 4}, 2);
  check([](In in) { return slice(in[0], 1, 1, 3); }, {a});
  check([](In in) { return concat({in[0], in[1], in[0]}, 1); }, {a, b});
  check([](In in) { return stack({in[0], in[1]}, 1); }, {a, random_tensor({2, 3, 4}, 3)});
  check(
      [](In in) {
        const std::vector<Tensor> parts = split(in[0], {1, 1, 2}, 2);
        return concat({parts[2], parts[0]}, 2);  // nothing flows into parts[1]
      },
      {a});
}

TEST_CASE("slice, concat, stack and split say what does not fit") {
  const Tensor x = Tensor::zeros({2, 4});
  CHECK_THROWS_WITH_AS(slice(x, 1, 2, 5), "slice: 2 to 5 is no part of axis 1 of [2, 4], which goes from 0 to 4",
                       ShapeError);
  CHECK_THROWS_AS(slice(x, 1, 3, 2), ShapeError);
  CHECK_THROWS_AS(slice(x, 2, 0, 1), ShapeError);
  CHECK_THROWS_WITH_AS(concat({x, Tensor::zeros({3, 4})}, 1),
                       "concat: expected shapes that differ in axis 1 only, got [2, 4], [3, 4]", ShapeError);
  CHECK_THROWS_WITH_AS(concat({x, Tensor::zeros({2, 4}, f64)}, 0),
                       "concat: expected tensors of one type, got f32 and f64", ValueError);
  CHECK_THROWS_WITH_AS(concat({}, 0), "concat: expected one or more tensors, got none", ValueError);
  CHECK_THROWS_WITH_AS(stack({x, Tensor::zeros({4, 2})}, 0), "stack: expected equal shapes, got [2, 4], [4, 2]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(stack({x}, 3), "stack: a new axis 3 does not fit into [2, 4]: expected -3 to 2", ShapeError);
  CHECK_THROWS_WITH_AS(split(x, {1, 2}, 1), "split: expected sizes that add up to 4, axis 1 of [2, 4], got [1, 2]",
                       ShapeError);
  CHECK_THROWS_AS(split(x, {-1, 5}, 1), ShapeError);
  CHECK_THROWS_WITH_AS(split_evenly(x, 3, 1), "split_evenly: axis 1 of [2, 4] does not divide into 3 equal parts",
                       ShapeError);
}
