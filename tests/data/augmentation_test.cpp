#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/data/augmentation.hpp>
#include <tessera/data/rearrangements.hpp>

namespace tessera {
namespace {

/// A 2 x 3 sample whose two channels and labels number the pixels 1 to 6.
Sample numbered() {
  return {Tensor::from({1.F, -1.F, 2.F, -2.F, 3.F, -3.F, 4.F, -4.F, 5.F, -5.F, 6.F, -6.F}, {2, 3, 2}),
          Tensor::from({1, 2, 3, 4, 5, 6}, {2, 3}), "a"};
}

std::vector<std::int32_t> labels_of(const Sample& sample) {
  const auto labels = sample.mask.span<std::int32_t>();
  return {labels.begin(), labels.end()};
}

/// The labels that each of many samples ends up with. Checks on the way that every pixel's colours moved with its
/// label.
std::set<std::vector<std::int32_t>> outcomes(const Transform& transform, std::int32_t ignore_index = 9,
                                             std::vector<float> fill = {9, -9}) {
  const Augmentation augmentation({transform});
  std::set<std::vector<std::int32_t>> seen;
  for (std::int64_t i = 0; i < 60; ++i) {
    const Sample result = augmentation(numbered(), 1, 0, i, ignore_index, fill);
    const auto labels = labels_of(result);
    for (std::size_t p = 0; p < labels.size(); ++p) {
      REQUIRE(result.image.data<float>()[2 * p] == static_cast<float>(labels[p]));
      REQUIRE(result.image.data<float>()[2 * p + 1] == static_cast<float>(-labels[p]));
    }
    seen.insert(labels);
  }
  return seen;
}

using Outcomes = std::set<std::vector<std::int32_t>>;

TEST_CASE("flips mirror image and mask, or leave them") {
  CHECK(outcomes(flip_horizontal()) == Outcomes{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}});
  CHECK(outcomes(flip_vertical()) == Outcomes{{1, 2, 3, 4, 5, 6}, {4, 5, 6, 1, 2, 3}});
}

TEST_CASE("quarter turns give the four rotations") {
  CHECK(outcomes(quarter_turn()) ==
        Outcomes{{1, 2, 3, 4, 5, 6}, {3, 6, 2, 5, 1, 4}, {6, 5, 4, 3, 2, 1}, {4, 1, 5, 2, 6, 3}});
}

TEST_CASE("a crop takes every window, and pads with the ignored label and the fill colour") {
  CHECK(outcomes(random_crop({1, 2})) == Outcomes{{1, 2}, {2, 3}, {4, 5}, {5, 6}});
  CHECK(outcomes(random_crop({3, 2})) == Outcomes{{1, 2, 4, 5, 9, 9}, {2, 3, 5, 6, 9, 9}});
  const Sample black = Augmentation({random_crop({3, 3})})(numbered(), 1, 0, 0);
  CHECK(black.mask.at({2, 0}) == no_label);
  CHECK(black.image.at({2, 0, 0}) == 0);
  CHECK_THROWS_WITH_AS(random_crop({0, 3}), "random_crop: expected a size of 1 or more, got 0x3", ValueError);
}

TEST_CASE("augmentation is a function of seed, epoch and sample, and not of the transforms beside") {
  const auto sequence = [](const Augmentation& augmentation, std::uint64_t seed, std::int64_t epoch) {
    std::vector<std::vector<std::int32_t>> labels;
    for (std::int64_t i = 0; i < 20; ++i) labels.push_back(labels_of(augmentation(numbered(), seed, epoch, i)));
    return labels;
  };
  const Augmentation crop({random_crop({1, 1})});
  CHECK(sequence(crop, 1, 0) == sequence(crop, 1, 0));
  CHECK(sequence(crop, 1, 0) != sequence(crop, 2, 0));
  CHECK(sequence(crop, 1, 0) != sequence(crop, 1, 1));
  const Transform nothing{"nothing", [](const Sample& sample, const AugmentationContext&) { return sample; }};
  CHECK(sequence(crop, 1, 0) == sequence(Augmentation({nothing, random_crop({1, 1})}), 1, 0));
}

TEST_CASE("two transforms of one name are refused, as they would share their random numbers") {
  CHECK_THROWS_WITH_AS(Augmentation({flip_vertical(), flip_vertical()}),
                       "augmentation: two transforms are named \"flip_vertical\"", ValueError);
}

}  // namespace
}  // namespace tessera
