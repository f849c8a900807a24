#include <doctest/doctest.h>

#include <cmath>
#include <tessera/train/boundary.hpp>
#include <tessera/train/metrics.hpp>

#include "tests/support/golden.hpp"

using namespace tessera;

namespace {

using test::Golden;

/// NaN stands for a measure that is not defined.
void check_equal(const std::optional<double>& measure, double expected) {
  CHECK(measure.has_value() == !std::isnan(expected));
  if (measure) CHECK(*measure == doctest::Approx(expected).epsilon(1e-12));
}

void check_equal(const std::vector<std::optional<double>>& measures, const Tensor& expected) {
  REQUIRE(static_cast<std::int64_t>(measures.size()) == expected.numel());
  for (std::size_t k = 0; k < measures.size(); ++k) check_equal(measures[k], expected.data<double>()[k]);
}

}  // namespace

TEST_CASE("measures equal scikit-learn's, and boundary F1 that over SciPy's distance transform") {
  const Golden golden("metrics.safetensors");
  CHECK(golden.cases().size() == 6);
  for (const auto& c : golden.cases()) {
    INFO(c.at("name").get<std::string>());
    const auto classes = c.at("classes").get<std::int64_t>();
    const std::int32_t ignored = c.at("ignore_index").is_null() ? -1 : c.at("ignore_index").get<std::int32_t>();
    const Tensor truth = golden.get(c, "truth"), prediction = golden.get(c, "prediction");
    ConfusionMatrix matrix(classes, ignored);
    matrix.add(truth, prediction);
    const Tensor counts = golden.get(c, "confusion");
    for (std::int64_t t = 0; t < classes; ++t)
      for (std::int64_t p = 0; p < classes; ++p)
        CHECK(matrix.count(t, p) == counts.data<std::int32_t>()[t * classes + p]);
    const SegmentationScores scores = matrix.scores();
    check_equal(scores.pixel_accuracy, golden.get(c, "pixel_accuracy").item());
    check_equal(scores.class_accuracy, golden.get(c, "class_accuracy").item());
    check_equal(scores.mean_iou, golden.get(c, "mean_iou").item());
    check_equal(scores.mean_dice, golden.get(c, "mean_dice").item());
    check_equal(scores.frequency_weighted_iou, golden.get(c, "frequency_weighted_iou").item());
    check_equal(scores.iou, golden.get(c, "iou"));
    check_equal(scores.dice, golden.get(c, "dice"));
    check_equal(scores.accuracy, golden.get(c, "accuracy"));
    check_equal(boundary_f1(truth, prediction, classes, ignored, c.at("tolerance").get<double>()),
                golden.get(c, "boundary_f1"));
  }
}
