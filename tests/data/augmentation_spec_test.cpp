#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/data/augmentation_spec.hpp>

namespace tessera {
namespace {

std::vector<std::string> names_in(const std::string& spec, Size2D crop = {}) {
  std::vector<std::string> names;
  const Augmentation augmentation = augmentation_from_spec(spec, crop);
  for (const Transform& transform : augmentation.transforms()) names.push_back(transform.name);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("a spec names transforms, which are applied in a fixed order") {
  CHECK(names_in("").empty());
  CHECK(names_in("none").empty());
  CHECK(names_in("flip") == Names{"flip_horizontal"});
  CHECK(names_in("none", {8, 8}) == Names{"random_crop"});
  CHECK(names_in("brightness=0.2, flip,scale=0.75:1.5", {8, 8}) ==
        Names{"random_warp", "flip_horizontal", "random_brightness"});
  CHECK(names_in("turn,scale,rotate,elastic,flip,vflip,brightness,contrast,gamma,blur,noise") ==
        Names{"quarter_turn", "random_warp", "flip_horizontal", "flip_vertical", "random_brightness", "random_contrast",
              "random_gamma", "random_blur", "random_noise"});
}

TEST_CASE("every transform there is works as its example shows") {
  Sample sample{Tensor::full({12, 10, 3}, 0.5), Tensor::zeros({12, 10}, i32), "a"};
  for (const AugmentationName& name : augmentation_names()) {
    CHECK(name.example.starts_with(name.name));
    const Sample result = augmentation_from_spec(name.example, {8, 6})(sample, 0, 0, 0);
    CHECK(result.image.shape() == Shape{8, 6, 3});
    CHECK(result.mask.shape() == Shape{8, 6});
  }
}

TEST_CASE("scale takes a range, or a number for as much to either side of 1") {
  Sample sample{Tensor::full({40, 40, 1}, 0.5), Tensor::zeros({40, 40}, i32), "a"};
  const auto inside = [&](const std::string& spec) {
    const Sample result = augmentation_from_spec(spec, {40, 40})(sample, 0, 0, 0);
    std::int64_t count = 0;
    for (const std::int32_t label : result.mask.span<std::int32_t>()) count += label == 0;
    return count;
  };
  CHECK(inside("scale=0.5:0.5") == 400);
  CHECK(inside("scale=2:2") == 1600);
  CHECK(inside("scale=0") == 1600);
}

TEST_CASE("what a spec cannot say is an error that names the nearest transform") {
  CHECK_THROWS_WITH_AS(
      augmentation_from_spec("flip,rotation=10"),
      "no transform is called \"rotation\": expected one of turn, scale, rotate, elastic, flip, vflip, "
      "brightness, contrast, gamma, blur, noise; the nearest is rotate",
      ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("rotate=ten"),
                       "expected a number after '=' in \"rotate=ten\", got \"ten\"", ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("flip=1"), "flip takes no number, got \"flip=1\"", ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("blur=1:2"), "blur takes one number, got \"blur=1:2\"", ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("flip,flip"), "flip stands there twice", ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("xyzzy"),
                       "no transform is called \"xyzzy\": expected one of turn, scale, rotate, elastic, flip, vflip, "
                       "brightness, contrast, gamma, blur, noise",
                       ValueError);
  for (const char* spec : {"flip,,vflip", "flip,", ",flip"})
    CHECK_THROWS_WITH_AS(
        augmentation_from_spec(spec),
        fmt::format("expected transforms with a comma between two, such as flip,rotate=10, got \"{}\"", spec).c_str(),
        ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("scale=1.5"),
                       "scale=1.5: expected a number from 0 to below 1, such as 0.25 for factors of 0.75 to 1.25, or "
                       "the smallest and the largest factor, such as scale=0.75:1.5",
                       ValueError);
  CHECK_THROWS_WITH_AS(augmentation_from_spec("brightness=3"), "brightness: expected an amount of 0 to 1, got 3",
                       ValueError);
  CHECK_THROWS_AS(augmentation_from_spec("scale=2:1"), ValueError);
}

}  // namespace
}  // namespace tessera
