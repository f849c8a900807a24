#include <doctest/doctest.h>

#include <tessera/data/augmentation_spec.hpp>
#include <tessera/data/shapes.hpp>
#include <tessera/train/augmentation_sheet.hpp>

using namespace tessera;

TEST_CASE("an augmentation sheet has a row an image: as it is, then its versions, in cells of one size") {
  const ShapesDataset data({.count = 5, .size = 40});
  const Tensor plain = augmentation_sheet(data, {}, {.images = 3, .versions = 2});
  CHECK(plain.shape() == Shape{3 * 46 + 6, 3 * 46 + 6, 3});
  // Without transforms each version is the image itself.
  for (std::int64_t y = 0; y < plain.size(0); ++y)
    for (std::int64_t x = 6; x < 46; ++x) REQUIRE(plain.at({y, x, 0}) == plain.at({y, x + 46, 0}));
  const Tensor flipped =
      augmentation_sheet(data, augmentation_from_spec("flip,brightness=0.5"), {.images = 3, .versions = 2});
  bool differs = false;
  for (std::int64_t x = 6; x < 46; ++x) differs = differs || flipped.at({20, x, 0}) != flipped.at({20, x + 46, 0});
  CHECK(differs);
  CHECK(augmentation_sheet(data, {}, {.images = 30}).size(0) == 5 * 46 + 6);
}

TEST_CASE("large images are thinned on a sheet") {
  const ShapesDataset data({.count = 1, .size = 500});
  CHECK(augmentation_sheet(data, {}, {.images = 1, .versions = 0}).shape() == Shape{167 + 12, 167 + 12, 3});
}
