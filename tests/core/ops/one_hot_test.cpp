#include <doctest/doctest.h>

#include <tessera/core/ops/one_hot.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("one_hot sets a 1 at every label's class") {
  const Tensor labels = Tensor::from<std::int32_t>({2, 0, 1, 2}, {2, 2});
  for (const DType dtype : {f32, f64, i32, u8}) {
    const Tensor y = one_hot(labels, 3, dtype);
    CHECK(y.shape() == Shape{2, 2, 3});
    CHECK(y.dtype() == dtype);
    CHECK(values(y) == std::vector<double>{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1});
  }
  CHECK(values(one_hot(labels.to(u8), 3)) == values(one_hot(labels, 3)));
  CHECK(one_hot(Tensor::zeros({0, 4}, i32), 5).shape() == Shape{0, 4, 5});
  CHECK(one_hot(Tensor::zeros({}, i32), 2).shape() == Shape{2});
}

TEST_CASE("one_hot names a label beyond the classes") {
  CHECK_THROWS_WITH_AS(one_hot(Tensor::from<std::int32_t>({0, 1, 3, -1}, {2, 2}), 3),
                       "one_hot: expected labels from 0 to 2, got 3 at element 2 of [2, 2]", ValueError);
  CHECK_THROWS_WITH_AS(one_hot(Tensor::from<std::int32_t>({-1}, {1}), 3),
                       "one_hot: expected labels from 0 to 2, got -1 at element 0 of [1]", ValueError);
  CHECK_THROWS_WITH_AS(one_hot(Tensor::zeros({2}), 3), "one_hot: expected labels of type i32 or u8, got f32",
                       ValueError);
  CHECK_THROWS_WITH_AS(one_hot(Tensor::zeros({2}, i32), 0), "one_hot: expected 1 or more classes, got 0", ValueError);
}
