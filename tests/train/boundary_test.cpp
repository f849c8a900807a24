#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/train/boundary.hpp>

namespace tessera {
namespace {

/// Class 0 to the left of each row's edge, class 1 from there on.
Tensor split_at(const std::vector<std::int32_t>& edges, std::int64_t width) {
  std::vector<std::int32_t> labels;
  for (const std::int32_t edge : edges)
    for (std::int64_t x = 0; x < width; ++x) labels.push_back(x < edge ? 0 : 1);
  return Tensor::from(labels, {static_cast<std::int64_t>(edges.size()), width});
}

/// As a share of the diagonal of a 4 x 8 image.
double pixels(double distance) { return distance / std::hypot(4.0, 8.0); }

// The lower half of the prediction's edge lies three pixels too far to the right:
//   truth     0001 1111   prediction  0001 1111
//             0001 1111               0001 1111
//             0001 1111               0000 0011
//             0001 1111               0000 0011
const Tensor truth = split_at({3, 3, 3, 3}, 8), prediction = split_at({3, 3, 6, 6}, 8);

TEST_CASE("boundary F1 of a case worked out by hand") {
  // Outlines of class 0: true at (y, 2), four pixels; predicted (0,2) (1,2) (2,3) (2,4) (2,5) (3,5).
  const auto exact = boundary_f1(truth, prediction, 3, -1, 0);
  CHECK(*exact[0] == doctest::Approx(2 * (2.0 / 6) * (2.0 / 4) / (2.0 / 6 + 2.0 / 4)));
  CHECK(*exact[1] == doctest::Approx(0.4));
  CHECK_FALSE(exact[2]);
  const auto one_pixel = boundary_f1(truth, prediction, 3, -1, pixels(1.01));
  CHECK(*one_pixel[0] == doctest::Approx(2 * (3.0 / 6) * (3.0 / 4) / (3.0 / 6 + 3.0 / 4)));
  CHECK(*one_pixel[1] == doctest::Approx(0.6));
  for (const double tolerance : {pixels(3.2), 1.0}) {
    CHECK(*boundary_f1(truth, prediction, 2, -1, tolerance)[0] == 1);
    CHECK(*boundary_f1(truth, prediction, 2, -1, tolerance)[1] == 1);
  }
}

TEST_CASE("the default tolerance is 0.75 % of the diagonal") {
  const Tensor wide = split_at(std::vector<std::int32_t>(300, 100), 400);
  const Tensor three = split_at(std::vector<std::int32_t>(300, 103), 400);
  const Tensor four = split_at(std::vector<std::int32_t>(300, 104), 400);
  CHECK(*boundary_f1(wide, three, 2)[0] == 1);  // 0.75 % of 500 pixels are 3.75
  CHECK(*boundary_f1(wide, four, 2)[0] == 0);
}

TEST_CASE("a class without an outline in the truth has no boundary F1, one that is not predicted has 0") {
  const Tensor ones = Tensor::ones({4, 8}, i32);
  CHECK_FALSE(boundary_f1(ones, truth, 2)[0]);
  CHECK_FALSE(boundary_f1(ones, truth, 2)[1]);
  CHECK(*boundary_f1(truth, ones, 2)[0] == 0);
  CHECK(*boundary_f1(truth, ones, 2)[1] == 0);
}

TEST_CASE("ignored pixels make no outline, in the truth or in the prediction") {
  std::vector<std::int32_t> labels(32, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 8 < 3 ? 0 : i % 8 == 3 ? 255 : 1;
  const Tensor apart = Tensor::from(labels, {4, 8});
  CHECK_FALSE(boundary_f1(apart, truth, 2, 255)[0]);
  CHECK_FALSE(boundary_f1(apart, prediction, 2, 255)[1]);

  // The wrong half of the prediction's edge lies among ignored pixels.
  labels.assign(32, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i >= 16 ? 255 : i % 8 < 3 ? 0 : 1;
  CHECK(*boundary_f1(Tensor::from(labels, {4, 8}), prediction, 2, 255, 0)[0] == 1);
}

TEST_CASE("boundary scores of images are averaged by class and by image") {
  BoundaryScores scores(3);
  scores.add({0.5, 1.0, std::nullopt});
  scores.add({std::nullopt, 0.2, std::nullopt});
  scores.add({std::nullopt, std::nullopt, std::nullopt});
  CHECK(*scores.by_class()[0] == doctest::Approx(0.5));
  CHECK(*scores.by_class()[1] == doctest::Approx(0.6));
  CHECK_FALSE(scores.by_class()[2]);
  CHECK(*scores.mean() == doctest::Approx((0.75 + 0.2) / 2));
  CHECK_FALSE(BoundaryScores(2).mean());
  CHECK_THROWS_AS(scores.add({0.5}), ValueError);
}

TEST_CASE("boundary F1 refuses images of different shapes") {
  CHECK_THROWS_WITH_AS(boundary_f1(truth, Tensor::zeros({4, 7}, i32), 2),
                       "boundary F1: expected truth and prediction [H, W] of one shape, got [4, 8] and [4, 7]",
                       ShapeError);
}

}  // namespace
}  // namespace tessera
