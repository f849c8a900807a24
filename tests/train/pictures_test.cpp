#include <doctest/doctest.h>

#include <set>
#include <tessera/core/error.hpp>
#include <tessera/train/pictures.hpp>

#include "tests/support/values.hpp"

using namespace tessera;
using test::values;

TEST_CASE("sixteen classes have different colours, and the background is black") {
  const std::vector<Rgb> colors = class_colors(16);
  CHECK(colors[0] == Rgb{0, 0, 0});
  CHECK(std::set<Rgb>(colors.begin(), colors.end()).size() == 16);
}

TEST_CASE("classes keep the colours that their masks are painted in, and colours of no class are no one's") {
  const Labels labels{.classes = 2, .encoding = {.colors = {{{9, 8, 7}, 1}, {{1, 2, 3}, no_label}, {{4, 5, 6}, 2}}}};
  CHECK(class_colors(labels) == std::vector<Rgb>{{0, 0, 0}, {9, 8, 7}});
  CHECK(class_colors({.classes = 2, .colors = {{1, 1, 1}, {9, 8, 7}}}) == std::vector<Rgb>{{1, 1, 1}, {9, 8, 7}});
}

TEST_CASE("a mask is drawn in its classes' colours, and labels without one in light grey") {
  const Tensor mask = Tensor::from<std::int32_t>({0, 1, -1, 255}, {2, 2});
  const Tensor picture = colored(mask, {{0, 0, 0}, {10, 20, 30}});
  CHECK(values(picture) == std::vector<double>{0, 0, 0, 10, 20, 30, 224, 224, 224, 224, 224, 224});
}

TEST_CASE("images of one to four channels are seen in colour") {
  CHECK(values(visible(Tensor::from<float>({0.0F, 1.0F}, {1, 2, 1}))) == std::vector<double>{0, 0, 0, 255, 255, 255});
  CHECK(values(visible(Tensor::from<float>({0.2F, 0.1F}, {1, 1, 2}))) == std::vector<double>{51, 51, 51});
  CHECK(values(visible(Tensor::from<float>({0.2F, 2.0F, -1.0F, 0.5F}, {1, 1, 4}))) == std::vector<double>{51, 255, 0});
}

TEST_CASE("an overlay mixes class colours into the image and leaves class 0 alone") {
  const Tensor image = Tensor::from<float>({0.2F, 0.2F}, {1, 2, 1});
  const Tensor mask = Tensor::from<std::int32_t>({0, 1}, {1, 2});
  CHECK(values(overlay(image, mask, {{0, 0, 0}, {101, 0, 255}})) == std::vector<double>{51, 51, 51, 76, 26, 153});
  CHECK_THROWS_AS(overlay(image, Tensor::zeros({2, 1}, i32), {}), ShapeError);
}

TEST_CASE("pictures stand side by side, enlarged, with a white gap") {
  const Tensor black = Tensor::zeros({1, 2, 3}, u8), grey = Tensor::full({1, 2, 3}, 9, u8);
  const Tensor row = side_by_side({black, grey}, 3);
  CHECK(row.shape() == Shape{2, 4 + 2 + 4, 3});
  CHECK(row.at({1, 3, 0}) == 0);
  CHECK(row.at({1, 4, 0}) == 255);
  CHECK(row.at({0, 6, 2}) == 9);
  CHECK_THROWS_AS(side_by_side({black, Tensor::zeros({1, 3, 3}, u8)}), ShapeError);
}

TEST_CASE(
    "an error map is red where the prediction is wrong, light where nothing counts, else the image in pale grey") {
  const Tensor image = Tensor::from<float>({0.0F, 1.0F, 0.5F}, {1, 3, 1});
  const Tensor truth = Tensor::from<std::int32_t>({1, 0, 9}, {1, 3});
  const Tensor prediction = Tensor::from<std::int32_t>({1, 1, 1}, {1, 3});
  CHECK(values(error_map(image, truth, prediction, 9)) ==
        std::vector<double>{128, 128, 128, 214, 39, 40, 224, 224, 224});
  CHECK_THROWS_AS(error_map(image, truth, Tensor::zeros({3, 1}, i32), 9), ShapeError);
}

TEST_CASE("a large picture is shrunk by a whole factor, its pixels averaged or chosen") {
  Tensor picture = Tensor::zeros({5, 4, 3}, u8);
  for (std::int64_t i = 0; i < picture.numel(); ++i)
    picture.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i / 3 * 10);
  const Tensor mean = shrunk(picture, 3), chosen = shrunk_nearest(picture, 3);
  CHECK(mean.shape() == Shape{3, 2, 3});
  CHECK(mean.at({0, 0, 0}) == 25);
  CHECK(mean.at({2, 1, 2}) == 185);  // the last row stands alone
  CHECK(chosen.at({0, 0, 0}) == 50);
  CHECK(chosen.at({2, 1, 2}) == 190);
  CHECK(values(shrunk(picture, 5)) == values(picture));
}
