#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/arena.hpp>
#include <tessera/core/autograd.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/train/inference.hpp>
#include <tessera/train/tiling.hpp>

#include "tests/support/values.hpp"

using namespace tessera;

namespace {

Tensor random_images(const Shape& shape) { return test::random_tensor(shape, 5, f32); }

std::unique_ptr<SegmentationModel> model_named(const ModelOptions& options) {
  std::unique_ptr<SegmentationModel> model = make_model(options);
  model->initialize(3);
  return model;
}

/// The largest difference at least `border` pixels away from the border.
double difference_inside(const Tensor& a, const Tensor& b, std::int64_t border) {
  const auto inside = [&](const Tensor& x) {
    return slice(slice(x, 1, border, x.size(1) - border), 2, border, x.size(2) - border);
  };
  return test::difference(inside(a), inside(b));
}

Tensor mirrored(const Tensor& x) {
  Tensor result = Tensor::empty(x.shape());
  const std::int64_t width = x.size(2), channels = x.size(3);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t c = i % channels, column = i / channels % width, row = i / channels / width;
    result.mutable_data<float>()[i] = x.data<float>()[(row * width + width - 1 - column) * channels + c];
  }
  return result;
}

const ModelOptions tiny{.name = "tiny", .classes = 3};

}  // namespace

TEST_CASE("tiles give the scores of the whole image where the network sees no further than the overlap's quarter") {
  const auto model = model_named(tiny);
  const Tensor image = random_images({1, 200, 260, 3});
  const Tensor whole = class_scores(*model, image);

  // How far the network sees: the furthest score that one pixel changes by more than rounding, which Winograd spreads
  // over a whole tile.
  Tensor touched = image.clone();
  for (int c = 0; c < 3; ++c) touched.mutable_data<float>()[(100 * 260 + 130) * 3 + c] += 10;
  const Tensor changed = class_scores(*model, touched);
  std::int64_t reach = 0;
  for (std::int64_t y = 0; y < 200; ++y)
    for (std::int64_t x = 0; x < 260; ++x)
      if (std::abs(changed.at({0, y, x, 0}) - whole.at({0, y, x, 0})) > 1e-5)
        reach = std::max({reach, std::abs(y - 100), std::abs(x - 130)});
  CHECK(reach > 4);
  constexpr std::int64_t margin = 128 * 3 / 4 / 4;
  CHECK(reach <= margin);

  Inference tiles(*model, {.tile = 128, .overlap = 0.75});
  CHECK(tiles.tiles_of({200, 260}) == Size2D(128));
  CHECK(test::difference(softmax(tiles.scores(image)), softmax(whole)) < 1e-5);

  // Sizes that the network pads: only what lies at the padded border may differ.
  const Tensor odd = random_images({1, 203, 257, 3});
  CHECK(difference_inside(softmax(tiles.scores(odd)), softmax(class_scores(*model, odd)), margin) < 1e-5);

  // Off the network's grid tiles see other pooling windows, and the same comparison fails.
  const auto predict = [&](const Tensor& part) { return softmax(class_scores(*model, part)); };
  const Tensor misplaced = tiled(image, {.tile = 128, .overlap = 0.745, .grid = 1}, predict);
  CHECK(test::difference(misplaced, softmax(whole)) > 1e-3);
}

TEST_CASE("tiles of a network that sees further than that blend without a seam") {
  const auto model = model_named({.name = "unet", .classes = 3, .width = 4, .depth = 3});
  const Tensor image = random_images({1, 96, 160, 3});
  const Tensor whole = softmax(class_scores(*model, image));
  // The most by which the error changes from one column to the next, also where tiles begin and end.
  const auto seam = [&](double overlap) {
    Inference tiles(*model, {.tile = 64, .overlap = overlap});
    const Tensor error = softmax(tiles.scores(image)) - whole;
    double step = 0;
    for (std::int64_t y = 0; y < 96; ++y)
      for (std::int64_t x = 1; x < 160; ++x)
        for (std::int64_t k = 0; k < 3; ++k)
          step = std::max(step, std::abs(error.at({0, y, x, k}) - error.at({0, y, x - 1, k})));
    return step;
  };
  Inference tiles(*model, {.tile = 64, .overlap = 0.5});
  CHECK(test::difference(softmax(tiles.scores(image)), whole) < 0.05);
  CHECK(seam(0.5) < 0.03);
  CHECK(seam(0) > 1.5 * seam(0.5));
}

TEST_CASE("scores under flips are the mean of the mirrored probabilities") {
  const auto model = model_named(tiny);
  const Tensor image = random_images({2, 24, 36, 3});
  const Tensor own = softmax(class_scores(*model, image));
  const Tensor other = mirrored(softmax(class_scores(*model, mirrored(image))));
  Inference flipped(*model, {.flips = Flips::horizontal});
  const Tensor mean = softmax(flipped.scores(image));
  CHECK(test::difference(mean, (own + other) * 0.5) < 1e-6);
  CHECK(test::difference(own, other) > 1e-4);
  CHECK(test::difference(softmax(flipped.scores(mirrored(image))), mirrored(mean)) < 1e-6);

  Inference all(*model, {.flips = Flips::all});
  CHECK(test::difference(softmax(all.scores(mirrored(image))), mirrored(softmax(all.scores(image)))) < 1e-6);
  CHECK(test::difference(softmax(all.scores(image)), mean) > 1e-4);

  Inference both(*model, {.flips = Flips::horizontal, .tile = 16});
  CHECK(test::difference(softmax(both.scores(image)), mean) < 0.2);
}

TEST_CASE("an image is predicted whole while that fits the memory, else in tiles of a size the network takes") {
  const auto model = model_named(tiny);
  const std::int64_t bytes = inference_memory(*model, {300, 400});
  Inference enough(*model, {.memory = bytes});
  CHECK_FALSE(enough.tiles_of({300, 400}));
  CHECK(enough.tiles_of({300, 400}, 2) == Size2D(256));
  Inference short_of(*model, {.default_tile = {50, 70}, .memory = bytes - 1000});
  CHECK(short_of.tiles_of({300, 400}) == Size2D(52, 72));
  CHECK_FALSE(short_of.tiles_of({52, 72}));
  Inference asked(*model, {.tile = 100});
  CHECK(asked.tiles_of({60, 400}) == Size2D(60, 100));
  CHECK_FALSE(asked.tiles_of({60, 99}));
  CHECK_THROWS_WITH_AS(Inference(*model, {.overlap = 0.9}), "overlap: expected 0 to 0.75 of a tile, got 0.9",
                       ValueError);
}

TEST_CASE("the estimate of memory is near what a pass takes") {
  for (const std::string& name : model_names()) {
    INFO(name);
    const auto model = model_named({.name = name, .classes = 11});
    const Tensor image = random_images({1, 128, 192, 3});
    class_scores(*model, image);  // packs weights
    const auto before = static_cast<double>(memory_stats().in_use);
    reset_peak_memory();
    class_scores(*model, image);
    const double taken = static_cast<double>(memory_stats().peak_in_use) - before;
    const auto estimate = static_cast<double>(inference_memory(*model, {128, 192}));
    CHECK(estimate > 0.6 * taken);
    CHECK(estimate < 2 * taken);
  }
}
