#include <doctest/doctest.h>

#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/upsample.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("upsample repeats pixels, as nearest") {
  const Tensor x = Tensor::arange(4, f64).reshape({1, 2, 2, 1});
  CHECK(values(upsample(x)) == std::vector<double>{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3});
  CHECK(values(upsample(x, {.size = {1, 3}})) == std::vector<double>{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3});
  CHECK(values(upsample(x, {.output_size = Size2D(1, 3)})) == std::vector<double>{0, 0, 1});
}

TEST_CASE("upsample blends the pixels around, as bilinear") {
  const Tensor x = Tensor::from({0.0, 4.0}, {1, 1, 2, 1});
  CHECK(values(upsample(x, {.size = {1, 2}, .interpolation = bilinear})) == std::vector<double>{0, 1, 3, 4});
  const UpsampleOptions aligned{.output_size = Size2D(1, 5), .interpolation = bilinear, .align_corners = true};
  CHECK(values(upsample(x, aligned)) == std::vector<double>{0, 1, 2, 3, 4});
  CHECK(values(upsample(x, {.output_size = Size2D(1, 1), .interpolation = bilinear})) == std::vector<double>{2});
  // Both axes, and channels that stay apart: a plane through the corners stays a plane.
  const Tensor plane = Tensor::from({0.0, 9.0, 4.0, 9.0, 8.0, 9.0, 12.0, 9.0}, {1, 2, 2, 2});
  const Tensor y = upsample(plane, {.output_size = Size2D(3), .interpolation = bilinear, .align_corners = true});
  CHECK(values(y) == std::vector<double>{0, 9, 2, 9, 4, 9, 4, 9, 6, 9, 8, 9, 8, 9, 10, 9, 12, 9});
}

TEST_CASE("upsample passes gradcheck for larger and smaller sizes") {
  for (const Size2D size : {Size2D(6, 8), Size2D(7, 5), Size2D(2, 3), Size2D(1, 1)}) {
    for (const int kind : {0, 1, 2}) {
      const UpsampleOptions options{
          .output_size = size, .interpolation = kind == 0 ? nearest : bilinear, .align_corners = kind == 2};
      const auto f = [&](const std::vector<Tensor>& in) { return upsample(in[0], options); };
      const GradcheckReport report = gradcheck(f, {random_tensor({2, 3, 4, 2})});
      CHECK_MESSAGE(report.passed, report.str());
      const Tensor x = random_tensor({2, 3, 4, 2});
      CHECK(difference(upsample(x.to(f32), options), upsample(x, options).to(f32)) < 1e-6);
    }
  }
}

TEST_CASE("upsample works on an empty batch and says what it does not take") {
  Tensor x = Tensor::zeros({0, 2, 3, 4}).set_requires_grad();
  upsample(x).backward(Tensor::zeros({0, 4, 6, 4}));
  CHECK(x.grad().shape() == x.shape());
  const Tensor image = Tensor::zeros({1, 2, 3, 4});
  CHECK_THROWS_WITH_AS(upsample(Tensor::zeros({2, 3, 4})),
                       "upsample: expected an image [N, H, W, C] of 1 or more pixels, got [2, 3, 4]", ShapeError);
  CHECK_THROWS_WITH_AS(upsample(image, {.size = {0, 2}}),
                       "upsample: expected an output height and width of 1 or more, got 0x6", ShapeError);
  CHECK_THROWS_WITH_AS(upsample(image, {.align_corners = true}),
                       "upsample: align_corners needs bilinear interpolation; nearest takes whole pixels", ValueError);
}
