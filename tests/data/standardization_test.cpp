#include <doctest/doctest.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/data/shuffle.hpp>
#include <tessera/data/standardization.hpp>

namespace tessera {
namespace {

/// Images of two channels: the sample's number, and 0.25. Sample `broken` cannot be read, and those from `misfit` on do
/// not fit.
class LevelDataset final : public Dataset {
 public:
  explicit LevelDataset(std::int64_t count, std::int64_t broken = -1, std::int64_t misfit = 1000)
      : count_(count), broken_(broken), misfit_(misfit) {}
  std::int64_t size() const override { return count_; }
  std::int64_t channels() const override { return 2; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override {
    if (index == broken_) throw IoError("broken");
    if (index >= misfit_) throw MisfitError("beyond the classes");
    const auto level = static_cast<float>(index);
    return {Tensor::from({level, 0.25F, level, 0.25F}, {1, 2, 2}), Tensor::zeros({1, 2}, i32), ""};
  }

 private:
  std::int64_t count_, broken_, misfit_;
  Labels labels_{1, no_label, {}};
};

TEST_CASE("mean and deviation are measured channel by channel") {
  const Standardization measured = measure_standardization(LevelDataset(4), 0);
  CHECK(measured.mean == std::vector<float>{1.5F, 0.25F});
  CHECK(measured.deviation[0] == doctest::Approx(1.1180340));
  CHECK(measured.deviation[1] == doctest::Approx(1.0 / 255));  // of a channel that never varies
}

TEST_CASE("images that cannot be read are not measured, and ones that do not fit are an error") {
  CHECK(measure_standardization(LevelDataset(4, 3), 0).mean[0] == 1);
  CHECK_THROWS_WITH_AS(measure_standardization(LevelDataset(4, 0, 2), 0), "beyond the classes", MisfitError);
}

TEST_CASE("a part of a large data set is measured, drawn by the seed") {
  const LevelDataset data(1000);
  const float mean = measure_standardization(data, 1).mean[0];
  CHECK(mean == measure_standardization(data, 1).mean[0]);
  CHECK(mean != measure_standardization(data, 2).mean[0]);
  CHECK(mean == doctest::Approx(499.5).epsilon(0.1));
}

TEST_CASE("normalising takes off the mean and divides by the deviation") {
  const Tensor image = Tensor::from({1.F, 2.F, 3.F, 4.F}, {1, 2, 2});
  const Tensor result = standardize(image, {{1, 2}, {2, 0.5F}});
  CHECK(result.at({0, 0, 0}) == 0);
  CHECK(result.at({0, 1, 0}) == 1);
  CHECK(result.at({0, 1, 1}) == 4);
  CHECK(image.at({0, 1, 1}) == 4);
  CHECK(standardize(image, {}).is_same(image));
  CHECK_THROWS_WITH_AS(standardize(image, {{1}, {1}}),
                       "standardize: expected an image [H, W, 1] for 1 means and 1 deviations, got [1, 2, 2]",
                       ShapeError);
}

TEST_CASE("a shuffle is a permutation made by its stream alone") {
  const auto order = shuffled(100, RandomStream(1, 2));
  CHECK(order == shuffled(100, RandomStream(1, 2)));
  CHECK(order != shuffled(100, RandomStream(1, 3)));
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < 100; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  CHECK(shuffled(0, RandomStream(1, 2)).empty());
}

}  // namespace
}  // namespace tessera
