#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <tessera/core/error.hpp>
#include <tessera/data/shapes.hpp>

namespace tessera {
namespace {

bool same(const Sample& a, const Sample& b) {
  const auto colors_a = a.image.span<float>(), colors_b = b.image.span<float>();
  const auto labels_a = a.mask.span<std::int32_t>(), labels_b = b.mask.span<std::int32_t>();
  return std::equal(colors_a.begin(), colors_a.end(), colors_b.begin()) &&
         std::equal(labels_a.begin(), labels_a.end(), labels_b.begin());
}

TEST_CASE("a generated sample depends on seed, split and number alone") {
  const ShapesDataset shapes({.count = 10, .seed = 7});
  const ShapesDataset more({.count = 500, .seed = 7});
  const Sample third = shapes.get(3);
  shapes.get(5);
  CHECK(same(third, shapes.get(3)));
  CHECK(same(third, more.get(3)));
  CHECK(third.name == "train-00003");
  CHECK_FALSE(same(third, shapes.get(4)));
  CHECK_FALSE(same(third, ShapesDataset({.count = 10, .seed = 8}).get(3)));
  CHECK_FALSE(same(third, ShapesDataset({.count = 10, .seed = 7, .split = "val"}).get(3)));
}

TEST_CASE("generated images are as described: sizes, ranges, and every class in a few of them") {
  const ShapesDataset shapes({.count = 30, .size = 48});
  std::array<std::int64_t, 4> pixels{};
  for (std::int64_t i = 0; i < shapes.size(); ++i) {
    const Sample sample = shapes.get(i);
    REQUIRE(sample.image.shape() == Shape{48, 48, 3});
    REQUIRE(sample.mask.shape() == Shape{48, 48});
    for (const float value : sample.image.span<float>()) REQUIRE((value >= 0 && value <= 1));
    for (const std::int32_t label : sample.mask.span<std::int32_t>()) ++pixels.at(static_cast<std::size_t>(label));
  }
  for (const std::int64_t count : pixels) CHECK(count > 30 * 48 * 48 / 100);
  CHECK(pixels[0] > pixels[1] + pixels[2] + pixels[3]);
  CHECK(shapes.labels().names.size() == 4);
}

TEST_CASE("shapes refuse sizes and counts that are too small") {
  CHECK_THROWS_WITH_AS(ShapesDataset({.size = 16}),
                       "shapes: expected 1 or more images of size 32 or more, got 1000 of size 16", ValueError);
  CHECK_THROWS_AS(ShapesDataset({.count = 0}), ValueError);
}

}  // namespace
}  // namespace tessera
