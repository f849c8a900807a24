#include <doctest/doctest.h>

#include <algorithm>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/permute.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

/// Element by element, by index arithmetic alone.
Tensor permute_naively(const Tensor& x, const std::vector<std::int64_t>& axes) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t axis : axes) sizes.push_back(x.size(axis));
  Tensor y = Tensor::empty(Shape(sizes), f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    std::vector<std::int64_t> index(axes.size());
    std::int64_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0; rest /= sizes[a])
      index[static_cast<std::size_t>(axes[a])] = rest % sizes[a];
    std::int64_t from = 0;
    for (std::size_t a = 0; a < index.size(); ++a) from = from * x.shape()[static_cast<std::int64_t>(a)] + index[a];
    y.mutable_data<double>()[i] = x.data<double>()[from];
  }
  return y;
}

}  // namespace

TEST_CASE("permute equals index arithmetic for every order of the axes") {
  for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 70, 3, 41}, Shape{3, 1, 4, 1}}) {
    const Tensor x = Tensor::arange(shape.numel(), f64).reshape({shape[0], shape[1], shape[2], shape[3]});
    std::vector<std::int64_t> axes{0, 1, 2, 3};
    do {
      CHECK(difference(permute(x, axes), permute_naively(x, axes)) == 0);
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

TEST_CASE("permute takes every type, negative axes, empty and rank-0 tensors") {
  for (const DType dtype : {f32, f64, i32, u8}) {
    const Tensor y = permute(Tensor::arange(6, dtype).reshape({2, 3}), {-1, 0});
    CHECK(y.dtype() == dtype);
    CHECK(values(y) == std::vector<double>{0, 3, 1, 4, 2, 5});
  }
  CHECK(permute(Tensor::zeros({0, 4, 3}), {0, 2, 1}).shape() == Shape{0, 3, 4});
  CHECK(permute(Tensor::scalar(3), {}).item() == 3);
}

TEST_CASE("permute passes gradcheck") {
  const auto f = [](const std::vector<Tensor>& in) { return permute(in[0], {2, 0, 3, 1}); };
  const GradcheckReport report = gradcheck(f, {random_tensor({2, 3, 4, 2})});
  CHECK_MESSAGE(report.passed, report.str());
}

TEST_CASE("permute refuses axes that are not each named once") {
  const char* text = "permute: expected each of the 3 axes of [2, 3, 4] once, got [0, 1, 1]";
  CHECK_THROWS_WITH_AS(permute(Tensor::zeros({2, 3, 4}), {0, 1, 1}), text, ShapeError);
  CHECK_THROWS_AS(permute(Tensor::zeros({2, 3, 4}), {0, 1}), ShapeError);
  CHECK_THROWS_AS(permute(Tensor::zeros({2, 3}), {0, 2}), ShapeError);
}

TEST_CASE("depth_to_space lays channel (i b + j) C + c at row i and column j of the block, as TensorFlow") {
  // One pixel of 2 * 2 * 3 channels becomes a 2x2 block of 3.
  const Tensor pixel = depth_to_space(Tensor::arange(12, f64).reshape({1, 1, 1, 12}), 2);
  CHECK(difference(pixel, Tensor::arange(12, f64).reshape({1, 2, 2, 3})) == 0);
  const std::int64_t b = 3, c = 2;
  const Tensor x = Tensor::arange(2 * 4 * 5 * b * b * c, f64).reshape({2, 4, 5, b * b * c});
  const Tensor y = depth_to_space(x, b);
  REQUIRE(y.shape() == Shape{2, 12, 15, 2});
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t h = 0; h < 12; ++h)
      for (std::int64_t w = 0; w < 15; ++w)
        for (std::int64_t k = 0; k < c; ++k)
          CHECK(y.at({n, h, w, k}) == x.at({n, h / b, w / b, (h % b * b + w % b) * c + k}));
  CHECK(difference(space_to_depth(y, b), x) == 0);
  CHECK(depth_to_space(Tensor::zeros({0, 2, 2, 4}), 2).shape() == Shape{0, 4, 4, 1});
}

TEST_CASE("depth_to_space and space_to_depth pass gradcheck") {
  const auto down = [](const std::vector<Tensor>& in) { return depth_to_space(in[0], 2); };
  const GradcheckReport first = gradcheck(down, {random_tensor({2, 2, 3, 8})});
  CHECK_MESSAGE(first.passed, first.str());
  const auto up = [](const std::vector<Tensor>& in) { return space_to_depth(in[0], 2); };
  const GradcheckReport second = gradcheck(up, {random_tensor({2, 4, 6, 2})});
  CHECK_MESSAGE(second.passed, second.str());
}

TEST_CASE("depth_to_space and space_to_depth say what does not divide") {
  CHECK_THROWS_WITH_AS(depth_to_space(Tensor::zeros({1, 2, 2, 6}), 2),
                       "depth_to_space: expected channels that divide by block_size * block_size = 4, got [1, 2, 2, 6]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(space_to_depth(Tensor::zeros({1, 4, 5, 1}), 2),
                       "space_to_depth: expected a height and a width that divide by block_size = 2, got [1, 4, 5, 1]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(depth_to_space(Tensor::zeros({1, 2, 2, 4}), 0),
                       "depth_to_space: expected a block_size of 1 or more, got 0", ValueError);
  CHECK_THROWS_WITH_AS(depth_to_space(Tensor::zeros({2, 2, 4}), 2),
                       "depth_to_space: expected an input [N, H, W, C], got [2, 2, 4]", ShapeError);
}
