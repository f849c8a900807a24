#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/train/metrics.hpp>

namespace tessera {
namespace {

TEST_CASE("an ignored label that is also the number of a class leaves that class out of the means") {
  ConfusionMatrix matrix(3, 0);
  matrix.add(Tensor::from<std::int32_t>({0, 0, 1, 2}, {4}), Tensor::from<std::int32_t>({1, 0, 0, 2}, {4}));
  const SegmentationScores scores = matrix.scores();
  CHECK(!scores.iou[0]);
  CHECK(!scores.dice[0]);
  CHECK(scores.iou[1] == 0.0);
  CHECK(scores.mean_iou == 0.5);
  CHECK(scores.pixel_accuracy == 0.5);
}

TEST_CASE("scores of a case worked out by hand") {
  // truth      0 0 0 0 1 1 2 9    (9 is ignored; class 3 occurs nowhere)
  // prediction 0 0 0 1 1 0 1 2
  ConfusionMatrix matrix(4, 9);
  matrix.add(Tensor::from({0, 0, 0, 0, 1, 1, 2, 9}, {2, 4}),
             Tensor::from<std::uint8_t>({0, 0, 0, 1, 1, 0, 1, 2}, {2, 4}));
  CHECK(matrix.count(0, 0) == 3);
  CHECK(matrix.count(0, 1) == 1);
  CHECK(matrix.count(2, 1) == 1);
  CHECK(matrix.count(2, 2) == 0);
  const SegmentationScores scores = matrix.scores();
  CHECK(*scores.pixel_accuracy == doctest::Approx(4.0 / 7));
  CHECK(*scores.accuracy[0] == doctest::Approx(3.0 / 4));
  CHECK(*scores.accuracy[1] == doctest::Approx(1.0 / 2));
  CHECK(*scores.accuracy[2] == 0);
  CHECK(*scores.class_accuracy == doctest::Approx((0.75 + 0.5) / 3));
  CHECK(*scores.iou[0] == doctest::Approx(3.0 / 5));
  CHECK(*scores.iou[1] == doctest::Approx(1.0 / 4));
  CHECK(*scores.iou[2] == 0);
  CHECK(*scores.mean_iou == doctest::Approx((0.6 + 0.25) / 3));
  CHECK(*scores.dice[0] == doctest::Approx(6.0 / 8));
  CHECK(*scores.dice[1] == doctest::Approx(2.0 / 5));
  CHECK(*scores.mean_dice == doctest::Approx((0.75 + 0.4) / 3));
  CHECK(*scores.frequency_weighted_iou == doctest::Approx((4 * 0.6 + 2 * 0.25) / 7));
  CHECK_FALSE(scores.iou[3]);
  CHECK_FALSE(scores.dice[3]);
  CHECK_FALSE(scores.accuracy[3]);
}

TEST_CASE("a class that is predicted but never true has an IoU of 0 and no accuracy") {
  ConfusionMatrix matrix(2);
  matrix.add(Tensor::from({0, 0}, {2}), Tensor::from({0, 1}, {2}));
  CHECK(*matrix.scores().iou[1] == 0);
  CHECK_FALSE(matrix.scores().accuracy[1]);
  CHECK(*matrix.scores().mean_iou == doctest::Approx(0.25));
  CHECK(*matrix.scores().class_accuracy == doctest::Approx(0.5));
}

TEST_CASE("where every pixel is ignored no score is defined") {
  ConfusionMatrix matrix(2, 7);
  matrix.add(Tensor::full({3, 3}, 7, i32), Tensor::zeros({3, 3}, i32));
  CHECK_FALSE(matrix.scores().pixel_accuracy);
  CHECK_FALSE(matrix.scores().mean_iou);
  CHECK_FALSE(matrix.scores().frequency_weighted_iou);
}

TEST_CASE("counts of parts add up to those of the whole") {
  const Tensor truth = Tensor::from({0, 1, 1, 0}, {4}), prediction = Tensor::from({1, 1, 0, 0}, {4});
  ConfusionMatrix one(2), sum(2);
  one.add(truth, prediction);
  sum.add(one);
  sum.add(one);
  for (const std::int64_t t : {0, 1})
    for (const std::int64_t p : {0, 1}) CHECK(sum.count(t, p) == 2);
}

TEST_CASE("what does not fit a confusion matrix is refused with its values") {
  ConfusionMatrix matrix(2);
  CHECK_THROWS_WITH_AS(matrix.add(Tensor::zeros({2}, i32), Tensor::zeros({3}, i32)),
                       "confusion matrix: expected truth and prediction of one shape, got [2] and [3]", ShapeError);
  CHECK_THROWS_WITH_AS(matrix.add(Tensor::from({0, 2}, {2}), Tensor::from({0, 1}, {2})),
                       "confusion matrix: true class 2 and predicted class 1 at pixel 1 are not both of 0 to 1",
                       ValueError);
  CHECK_THROWS_AS(matrix.add(Tensor::from({0}, {1}), Tensor::from({-1}, {1})), ValueError);
  CHECK_THROWS_AS(matrix.add(ConfusionMatrix(3)), ValueError);
  CHECK_THROWS_AS(ConfusionMatrix(0), ValueError);
}

}  // namespace
}  // namespace tessera
