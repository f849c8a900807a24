#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/data/photometric.hpp>

namespace tessera {
namespace {

/// 1 x 4 pixels of one colour and an alpha; the last is padding.
Sample four_pixels() {
  return {Tensor::from({0.25F, 0.9F, 0.5F, 0.8F, 0.75F, 0.7F, 0.4F, 0.4F}, {1, 4, 2}),
          Tensor::from({0, 1, 9, 9}, {1, 4}), "a"};
}

const std::vector<float> fill = {0.4F, 0.4F};

/// What a transform makes of the three pixels that are none of padding. Checks that all else stays.
std::vector<double> colors_after(const Transform& transform, std::int64_t index) {
  const Sample result = Augmentation({transform})(four_pixels(), 1, 0, index, 9, fill);
  const std::vector<float> alphas = {0.9F, 0.8F, 0.7F, 0.4F};
  for (std::int64_t x = 0; x < 4; ++x) {
    REQUIRE(result.image.data<float>()[2 * x + 1] == alphas[static_cast<std::size_t>(x)]);
    REQUIRE(result.mask.at({0, x}) == four_pixels().mask.at({0, x}));
  }
  REQUIRE(result.image.data<float>()[6] == 0.4F);
  return {result.image.at({0, 0, 0}), result.image.at({0, 1, 0}), result.image.at({0, 2, 0})};
}

TEST_CASE("brightness adds one number up to the amount, in both directions") {
  double least = 1, most = -1;
  for (std::int64_t i = 0; i < 50; ++i) {
    const std::vector<double> colors = colors_after(random_brightness(0.2), i);
    const double more = colors[0] - 0.25;
    CHECK(colors[1] == doctest::Approx(0.5 + more));
    CHECK(colors[2] == doctest::Approx(0.75 + more));
    least = std::min(least, more);
    most = std::max(most, more);
  }
  CHECK(least >= -0.2);
  CHECK(least < -0.15);
  CHECK(most <= 0.2);
  CHECK(most > 0.15);
}

TEST_CASE("contrast spreads colours about the mean of all that is no padding") {
  double least = 9, most = 0;
  for (std::int64_t i = 0; i < 50; ++i) {
    const std::vector<double> colors = colors_after(random_contrast(0.3), i);
    const double factor = (colors[2] - 0.5) / 0.25;
    CHECK(colors[1] == doctest::Approx(0.5));
    CHECK(colors[0] == doctest::Approx(0.5 - 0.25 * factor));
    least = std::min(least, factor);
    most = std::max(most, factor);
  }
  CHECK(least > 0.69);
  CHECK(least < 0.8);
  CHECK(most < 1.31);
  CHECK(most > 1.2);
}

TEST_CASE("gamma raises all colours to one power") {
  double least = 9, most = 0;
  for (std::int64_t i = 0; i < 50; ++i) {
    const std::vector<double> colors = colors_after(random_gamma(0.5), i);
    const double power = std::log(colors[1]) / std::log(0.5);
    CHECK(colors[0] == doctest::Approx(std::pow(0.25, power)));
    least = std::min(least, power);
    most = std::max(most, power);
  }
  CHECK(least > 1 / 1.51);
  CHECK(least < 0.8);
  CHECK(most < 1.51);
  CHECK(most > 1.3);
}

TEST_CASE("colours stay within 0 and 1") {
  for (std::int64_t i = 0; i < 20; ++i)
    for (const double color : colors_after(random_brightness(1), i)) {
      CHECK(color >= 0);
      CHECK(color <= 1);
    }
}

TEST_CASE("noise is normal, of a deviation up to the amount, and alike nowhere") {
  Sample grey{Tensor::full({60, 70, 3}, 0.5), Tensor::zeros({60, 70}, i32), "a"};
  for (std::int64_t i = 0; i < 5; ++i) {
    const Sample result = Augmentation({random_noise(0.1)})(grey, 1, 0, i);
    double sum = 0, squares = 0, fourth = 0;
    for (const float color : result.image.span<float>()) {
      const double d = color - 0.5;
      sum += d;
      squares += d * d;
      fourth += d * d * d * d;
    }
    const auto n = static_cast<double>(result.image.numel());
    const double deviation = std::sqrt(squares / n);
    CHECK(deviation > 0);
    CHECK(deviation <= 0.102);
    CHECK(std::abs(sum / n) < 5 * deviation / std::sqrt(n));
    CHECK(fourth / n / std::pow(deviation, 4) == doctest::Approx(3).epsilon(0.1));
    CHECK(result.image.at({0, 0, 0}) != result.image.at({0, 0, 1}));
  }
}

TEST_CASE("blur spreads a point evenly and keeps its sum; even areas stay") {
  Sample point{Tensor::zeros({21, 25, 1}), Tensor::zeros({21, 25}, i32), "a"};
  point.image.mutable_data<float>()[10 * 25 + 12] = 1;
  bool blurred = false;
  for (std::int64_t i = 0; i < 10; ++i) {
    const Tensor image = Augmentation({random_blur(2)})(point, 1, 0, i).image;
    double sum = 0;
    for (const float color : image.span<float>()) sum += color;
    CHECK(sum == doctest::Approx(1));
    CHECK(image.at({10, 11, 0}) == image.at({10, 13, 0}));
    CHECK(image.at({9, 12, 0}) == doctest::Approx(image.at({10, 13, 0})));
    blurred = blurred || image.at({10, 11, 0}) > 0.05;
  }
  CHECK(blurred);
  const Sample even{Tensor::full({9, 9, 2}, 0.5), Tensor::zeros({9, 9}, i32), "a"};
  const Tensor image = Augmentation({random_blur(2)})(even, 1, 0, 1).image;
  for (const float color : image.span<float>()) REQUIRE(color == doctest::Approx(0.5));
}

TEST_CASE("amounts out of all measure are refused") {
  CHECK_THROWS_WITH_AS(random_brightness(-0.1), "brightness: expected an amount of 0 to 1, got -0.1", ValueError);
  CHECK_THROWS_AS(random_contrast(1.5), ValueError);
  CHECK_THROWS_AS(random_gamma(NAN), ValueError);
  CHECK_THROWS_AS(random_blur(101), ValueError);
  CHECK_THROWS_AS(random_noise(-1), ValueError);
}

}  // namespace
}  // namespace tessera
