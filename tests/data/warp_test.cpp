#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/data/warp.hpp>

namespace tessera {
namespace {

/// A sample whose pixel (y, x) has the colours y and x and the label 100 y + x.
Sample numbered(std::int64_t height, std::int64_t width) {
  Sample sample{Tensor::empty({height, width, 2}), Tensor::empty({height, width}, i32), "a"};
  float* color = sample.image.mutable_data<float>();
  auto* label = sample.mask.mutable_data<std::int32_t>();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      *color++ = static_cast<float>(y);
      *color++ = static_cast<float>(x);
      *label++ = static_cast<std::int32_t>(100 * y + x);
    }
  return sample;
}

Sample warped(const WarpOptions& options, std::int64_t index = 0) {
  return Augmentation({random_warp(options)})(numbered(20, 30), 1, 0, index, -1, std::vector<float>{-9, -9});
}

TEST_CASE("a warp of scale 1 is a crop: pixels keep their values") {
  std::set<std::int32_t> corners;
  for (std::int64_t i = 0; i < 300; ++i) {
    const Sample result = warped({.size = {18, 29}}, i);
    const std::int32_t corner = result.mask.data<std::int32_t>()[0];
    corners.insert(corner);
    for (std::int64_t y = 0; y < 18; ++y)
      for (std::int64_t x = 0; x < 29; ++x) {
        const auto label = static_cast<std::int32_t>(result.mask.at({y, x}));
        REQUIRE(label == corner + 100 * y + x);
        REQUIRE(result.image.at({y, x, 0}) == label / 100);
        REQUIRE(result.image.at({y, x, 1}) == label % 100);
      }
  }
  CHECK(corners == std::set<std::int32_t>{0, 1, 100, 101, 200, 201});
}

TEST_CASE("enlarging twice puts every pixel's centre between those of four new ones") {
  const Sample result = warped({.size = {40, 60}, .min_scale = 2, .max_scale = 2});
  CHECK(result.image.at({0, 0, 0}) == 0);     // the border repeats outwards
  CHECK(result.image.at({1, 1, 0}) == 0.25);  // pixel 1's centre lies at 0.75 in the old image, a quarter past 0.5
  CHECK(result.image.at({2, 1, 0}) == 0.75);
  CHECK(result.image.at({2, 4, 1}) == 1.75);
  for (std::int64_t y = 0; y < 40; ++y)
    for (std::int64_t x = 0; x < 60; ++x) REQUIRE(result.mask.at({y, x}) == 100 * (y / 2) + x / 2);
}

TEST_CASE("an image made smaller than the window lies anywhere in it, amid padding") {
  std::set<std::pair<std::int64_t, std::int64_t>> places;
  for (std::int64_t i = 0; i < 40; ++i) {
    const Sample result = warped({.size = {12, 16}, .min_scale = 0.5, .max_scale = 0.5}, i);
    std::int64_t top = 12, left = 16, inside = 0;
    for (std::int64_t y = 0; y < 12; ++y)
      for (std::int64_t x = 0; x < 16; ++x) {
        const bool padding = result.mask.at({y, x}) == -1;
        REQUIRE(padding == (result.image.at({y, x, 0}) == -9));
        if (padding) continue;
        ++inside;
        top = std::min(top, y);
        left = std::min(left, x);
      }
    CHECK(inside == 10 * 15);
    places.emplace(top, left);
  }
  CHECK(places.size() == 6);
}

TEST_CASE("a rotation keeps the window's centre and the distances from it") {
  const Sample result = warped({.size = {20, 30}, .rotation = 40});
  const auto place = [&](std::int64_t y, std::int64_t x, std::int64_t c) {
    return (result.image.at({y, x, c}) + result.image.at({y + 1, x, c}) + result.image.at({y, x + 1, c}) +
            result.image.at({y + 1, x + 1, c})) /
           4;
  };
  CHECK(place(9, 14, 0) == doctest::Approx(9.5));
  CHECK(place(9, 14, 1) == doctest::Approx(14.5));
  const double dy = place(12, 18, 0) - 9.5, dx = place(12, 18, 1) - 14.5;
  CHECK(std::hypot(dy, dx) == doctest::Approx(5));
  CHECK(std::abs(dy - 3) > 0.01);
  bool turned = false;
  for (std::int64_t i = 0; i < 10; ++i)
    turned = turned || warped({.size = {20, 30}, .rotation = 40}, i).mask.at({0, 0}) == -1;
  CHECK(turned);
}

TEST_CASE("an elastic warp moves pixels smoothly, by about as much as it was asked to") {
  double squares = 0, largest_step = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < 20; ++i) {
    Sample sample = numbered(200, 200);
    const Sample result = Augmentation({random_warp({.elastic = 4})})(sample, 1, 0, i, -1, std::vector<float>{-9, -9});
    CHECK(result.image.shape() == sample.image.shape());
    for (std::int64_t y = 20; y < 180; y += 5)
      for (std::int64_t x = 20; x < 180; x += 5)
        for (std::int64_t c = 0; c < 2; ++c) {
          const double moved = result.image.at({y, x, c}) - sample.image.at({y, x, c});
          squares += moved * moved;
          ++count;
          const double beside = result.image.at({y, x + 1, c}) - sample.image.at({y, x + 1, c});
          largest_step = std::max(largest_step, std::abs(beside - moved));
        }
  }
  const double deviation = std::sqrt(squares / static_cast<double>(count));
  CHECK(deviation > 2);
  CHECK(deviation < 5);
  CHECK(largest_step < 0.7);
}

TEST_CASE("warps that make no sense are refused") {
  CHECK_THROWS_WITH_AS(random_warp({.min_scale = 2, .max_scale = 1}),
                       "scale: expected factors above 0 and up to 100, the smaller first, got 2 to 1", ValueError);
  CHECK_THROWS_AS(random_warp({.min_scale = 0}), ValueError);
  CHECK_THROWS_AS(random_warp({.rotation = -1}), ValueError);
  CHECK_THROWS_AS(random_warp({.elastic = NAN}), ValueError);
  CHECK_THROWS_AS(random_warp({.size = {0, 3}}), ValueError);
}

}  // namespace
}  // namespace tessera
