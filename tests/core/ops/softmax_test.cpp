#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("softmax of equal numbers is even, and powers of e keep their ratios") {
  CHECK(values(softmax(Tensor::zeros({2, 4}, f64))) == std::vector<double>(8, 0.25));
  const Tensor x = Tensor::from({0.0, std::log(2.0), std::log(5.0)}, {3});
  CHECK(difference(softmax(x), Tensor::from({0.125, 0.25, 0.625}, {3})) < 1e-15);
}

TEST_CASE("softmax and log_softmax over every axis equal their definition") {
  for (const DType dtype : {f64, f32}) {
    const Tensor x = random_tensor({3, 5, 2, 7}, 1, dtype);
    const std::vector<double> all = values(x);
    const double tolerance = dtype == f64 ? 1e-14 : 2e-6;
    std::int64_t stride = x.numel();
    for (std::int64_t axis = 0; axis < 4; ++axis) {
      stride /= x.size(axis);
      const std::vector<double> y = values(softmax(x, axis)), log_y = values(log_softmax(x, axis - 4));
      for (std::int64_t i = 0; i < x.numel(); ++i) {
        const std::int64_t first = i - i / stride % x.size(axis) * stride;
        double sum = 0;
        for (std::int64_t k = 0; k < x.size(axis); ++k)
          sum += std::exp(all[static_cast<std::size_t>(first + k * stride)]);
        const double expected = std::exp(all[static_cast<std::size_t>(i)]) / sum;
        CHECK(std::abs(y[static_cast<std::size_t>(i)] - expected) < tolerance);
        CHECK(std::abs(log_y[static_cast<std::size_t>(i)] - std::log(expected)) < tolerance);
      }
    }
  }
}

TEST_CASE("softmax does not overflow") {
  const Tensor x = Tensor::from({1000.0F, 1000.0F, -1000.0F}, {3});
  CHECK(values(softmax(x)) == std::vector<double>{0.5, 0.5, 0});
  CHECK(log_softmax(x).at({2}) == doctest::Approx(-2000.6931));
}

TEST_CASE("softmax and log_softmax pass gradcheck over every axis") {
  for (const std::int64_t axis : {0, 1, 2}) {
    for (const bool log : {false, true}) {
      const auto f = [=](const std::vector<Tensor>& in) {
        return log ? log_softmax(in[0], axis) : softmax(in[0], axis);
      };
      const GradcheckReport report = gradcheck(f, {random_tensor({3, 4, 5})});
      CHECK_MESSAGE(report.passed, report.str());
    }
  }
}

TEST_CASE("softmax works on an empty batch and names what it does not take") {
  Tensor x = Tensor::zeros({0, 3}).set_requires_grad();
  log_softmax(x).backward(Tensor::zeros({0, 3}));
  CHECK(x.grad().shape() == Shape{0, 3});
  CHECK(softmax(Tensor::zeros({2, 0, 3}), 1).shape() == Shape{2, 0, 3});
  CHECK_THROWS_WITH_AS(softmax(Tensor::zeros({2}, i32)), "softmax: expected a float tensor (f32 or f64), got i32",
                       ValueError);
  CHECK_THROWS_AS(softmax(Tensor::zeros({2, 3}), 2), ShapeError);
}
