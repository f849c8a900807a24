#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/dropout.hpp>
#include <tessera/core/parallel.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("dropout drops element i where uniform(i) is below the rate, and scales the others") {
  const RandomStream random(7, 3, 2);
  for (const double rate : {0.0, 0.25, 0.3, 0.9}) {
    for (const DType dtype : {f32, f64}) {
      const Tensor y = dropout(Tensor::full({3, 7, 11}, 2, dtype), rate, random);
      std::vector<double> expected;
      for (std::uint64_t i = 0; i < 231; ++i) expected.push_back(random.uniform(i) < rate ? 0 : 2 / (1 - rate));
      CHECK(difference(y, Tensor::from(expected, {3, 7, 11}).to(dtype)) < 1e-5);
    }
  }
}

TEST_CASE("dropout keeps the mean and gives another mask for every draw") {
  const Tensor ones = Tensor::ones({100, 1000}, f64);
  const Tensor first = dropout(ones, 0.4, RandomStream(1, 2, 0)), second = dropout(ones, 0.4, RandomStream(1, 2, 1));
  double sum = 0;
  for (const double value : values(first)) sum += value;
  CHECK(std::abs(sum / 1e5 - 1) < 0.01);
  CHECK(difference(first, second) > 1);
  CHECK(difference(first, dropout(ones, 0.4, RandomStream(1, 2, 0))) == 0);
}

TEST_CASE("dropout2d drops whole channels of an image") {
  const RandomStream random(7, 3, 2);
  const Tensor y = dropout2d(Tensor::ones({4, 3, 5, 6}, f64), 0.5, random);
  bool any_dropped = false;
  for (std::int64_t n = 0; n < 4; ++n)
    for (std::int64_t c = 0; c < 6; ++c) {
      const bool dropped = random.uniform(static_cast<std::uint64_t>(n * 6 + c)) < 0.5;
      any_dropped = any_dropped || dropped;
      for (std::int64_t h = 0; h < 3; ++h)
        for (std::int64_t w = 0; w < 5; ++w) CHECK(y.at({n, h, w, c}) == (dropped ? 0 : 2));
    }
  CHECK(any_dropped);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : values(dropout2d(Tensor::full({1, 1, 1, 64}, infinity, f64), 0.5, random)))
    CHECK_FALSE(std::isnan(value));
}

TEST_CASE("dropout and dropout2d pass gradcheck: backward draws the mask again") {
  const RandomStream random(11, 5);
  for (const bool channels : {false, true}) {
    const auto f = [&](const std::vector<Tensor>& in) {
      return channels ? dropout2d(in[0], 0.4, random) : dropout(in[0], 0.4, random);
    };
    const GradcheckReport report = gradcheck(f, {random_tensor({2, 3, 3, 5})});
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("dropout gives the same mask on any number of threads") {
  const Tensor x = Tensor::ones({70000});
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one = dropout(x, 0.5, RandomStream(1, 2));
  set_num_threads(3);
  const Tensor three = dropout(x, 0.5, RandomStream(1, 2));
  set_num_threads(before);
  CHECK(difference(one, three) == 0);
}

TEST_CASE("dropout works on an empty batch and says what it does not take") {
  const RandomStream random(1, 2);
  CHECK(dropout(Tensor::zeros({0, 3}), 0.5, random).shape() == Shape{0, 3});
  CHECK(dropout2d(Tensor::zeros({0, 2, 2, 3}), 0.5, random).shape() == Shape{0, 2, 2, 3});
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(dropout(x, 1, random), "dropout: expected a rate of 0 or more and below 1, got 1", ValueError);
  CHECK_THROWS_WITH_AS(dropout2d(x, -0.5, random), "dropout2d: expected a rate of 0 or more and below 1, got -0.5",
                       ValueError);
  CHECK_THROWS_AS(dropout(x, std::nan(""), random), ValueError);
  CHECK_THROWS_WITH_AS(dropout2d(Tensor::zeros({3}), 0.5, random), "dropout2d: expected an input [N, ..., C], got [3]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(dropout(Tensor::zeros({3}, i32), 0.5, random),
                       "dropout: expected a float tensor (f32 or f64), got i32", ValueError);
}
