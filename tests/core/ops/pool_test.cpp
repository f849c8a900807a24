#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

struct PoolCase {
  Shape input;
  Size2D pool_size, strides;
  Sides pad;
};

/// Windows that overlap, touch and leave gaps; padding on some sides; odd sizes; more channels than a block of the
/// kernel.
const PoolCase pool_cases[] = {
    {{2, 4, 6, 3}, 2, 2, {}},           {{1, 5, 7, 2}, 2, 2, {}},
    {{3, 5, 7, 2}, 3, 2, {1, 1, 1, 1}}, {{1, 7, 5, 1}, {2, 3}, {1, 2}, {1, 0, 0, 2}},
    {{2, 7, 8, 2}, 2, 3, {0, 1, 1, 0}}, {{1, 6, 5, 67}, {3, 2}, {2, 1}, {0, 1, 1, 1}},
    {{1, 3, 4, 2}, {3, 4}, 1, {}},      {{2, 5, 5, 70}, 2, 2, {1, 0, 0, 1}},
};

std::int64_t pooled(std::int64_t size, std::int64_t pad, std::int64_t pool, std::int64_t stride) {
  return (size + pad - pool) / stride + 1;
}

/// Calls body(window of an output element: its pixels in x as flat indices in the plane).
template <class Body>
void for_each_window(const PoolCase& c, const Body& body) {
  const std::int64_t h = c.input[1], w = c.input[2];
  for (std::int64_t n = 0; n < c.input[0]; ++n)
    for (std::int64_t y = 0; y < pooled(h, c.pad.top + c.pad.bottom, c.pool_size.height, c.strides.height); ++y)
      for (std::int64_t x = 0; x < pooled(w, c.pad.left + c.pad.right, c.pool_size.width, c.strides.width); ++x)
        for (std::int64_t k = 0; k < c.input[3]; ++k) {
          std::vector<std::int64_t> pixels;
          for (std::int64_t i = 0; i < c.pool_size.height; ++i)
            for (std::int64_t j = 0; j < c.pool_size.width; ++j) {
              const std::int64_t row = y * c.strides.height - c.pad.top + i,
                                 column = x * c.strides.width - c.pad.left + j;
              if (row >= 0 && row < h && column >= 0 && column < w) pixels.push_back(row * w + column);
            }
          body(n, k, pixels);
        }
}

void check_gradient(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& in) { return f(in[0]); }, {x});
  CHECK_MESSAGE(report.passed, report.str());
}

}  // namespace

TEST_CASE("max_pool2d equals a plain loop, in both types, and its indices point at the maxima") {
  for (const PoolCase& c : pool_cases) {
    const Tensor x = distinct_tensor(c.input);
    std::vector<double> largest, where;
    const std::int64_t plane = c.input[1] * c.input[2];
    for_each_window(c, [&](std::int64_t n, std::int64_t k, const std::vector<std::int64_t>& pixels) {
      const auto at = [&](std::int64_t p) { return x.data<double>()[(n * plane + p) * c.input[3] + k]; };
      std::int64_t best = pixels[0];
      for (const std::int64_t p : pixels) best = at(p) > at(best) ? p : best;
      largest.push_back(at(best));
      where.push_back(static_cast<double>(best));
    });
    const MaxPoolOptions options{.pool_size = c.pool_size, .strides = c.strides, .padding = c.pad};
    const auto [y, indices] = max_pool2d_with_indices(x, options);
    CHECK(values(y) == largest);
    CHECK(values(indices) == where);
    CHECK(difference(max_pool2d(x, options), y) == 0);
    CHECK(difference(max_pool2d(x.to(f32), options), y.to(f32)) == 0);
  }
}

TEST_CASE("max_pool2d passes gradcheck over the cases") {
  for (const PoolCase& c : pool_cases) {
    if (c.input.numel() > 300) continue;
    const MaxPoolOptions options{.pool_size = c.pool_size, .strides = c.strides, .padding = c.pad};
    check_gradient([&](const Tensor& x) { return max_pool2d(x, options); }, distinct_tensor(c.input));
  }
  const MaxPoolOptions many{.pool_size = 3, .strides = 2, .padding = same};
  const auto f = [&](const std::vector<Tensor>& in) { return max_pool2d(in[0], many); };
  CHECK(gradcheck(f, {distinct_tensor({2, 5, 4, 67})}, {.fast = true}));
}

TEST_CASE("max_pool2d's gradient in f32 equals the one in f64") {
  for (const PoolCase& c : pool_cases) {
    const MaxPoolOptions options{.pool_size = c.pool_size, .strides = c.strides, .padding = c.pad};
    Tensor x = distinct_tensor(c.input).set_requires_grad(), narrow = x.detach().to(f32).set_requires_grad();
    const Tensor y = max_pool2d(x, options), narrow_y = max_pool2d(narrow, options);
    const Tensor grad = Tensor::arange(y.numel(), f64).view(y.shape());
    y.backward(grad);
    narrow_y.backward(grad.to(f32));
    CHECK(difference(x.grad().to(f32), narrow.grad()) == 0);
  }
}

TEST_CASE("max_pool2d: the first of equal numbers gets the gradient, and its index is given") {
  for (const Size2D pool_size : {Size2D(2), Size2D(1, 4)}) {
    Tensor x = Tensor::ones({1, 2, 4, 1}, f64).set_requires_grad();
    const auto [y, indices] = max_pool2d_with_indices(x, {.pool_size = pool_size});
    y.backward(Tensor::full(y.shape(), 5, f64));
    CHECK(values(indices) == (pool_size.height == 2 ? std::vector<double>{0, 2} : std::vector<double>{0, 4}));
    CHECK(values(x.grad()) == (pool_size.height == 2 ? std::vector<double>{5, 0, 5, 0, 0, 0, 0, 0}
                                                     : std::vector<double>{5, 0, 0, 0, 5, 0, 0, 0}));
  }
}

TEST_CASE("max_pool2d passes a NaN on, with its gradient") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Size2D pool_size : {Size2D(2), Size2D(1, 4)}) {
    Tensor x = Tensor::from({1.0, nan, 3.0, 4.0}, {1, 4 / pool_size.width, pool_size.width, 1}).set_requires_grad();
    REQUIRE(x.numel() == 4);
    const auto [y, indices] = max_pool2d_with_indices(x, {.pool_size = pool_size});
    CHECK(std::isnan(y.item()));
    CHECK(indices.item() == 1);
    y.backward(Tensor::ones(y.shape(), f64));
    CHECK(values(x.grad()) == std::vector<double>{0, 1, 0, 0});
  }
}

TEST_CASE("avg_pool2d equals a plain loop with and without the padding") {
  for (const PoolCase& c : pool_cases) {
    const Tensor x = random_tensor(c.input);
    for (const bool with_padding : {false, true}) {
      std::vector<double> means;
      const std::int64_t plane = c.input[1] * c.input[2];
      for_each_window(c, [&](std::int64_t n, std::int64_t k, const std::vector<std::int64_t>& pixels) {
        double sum = 0;
        for (const std::int64_t p : pixels) sum += x.data<double>()[(n * plane + p) * c.input[3] + k];
        const auto inside = static_cast<double>(pixels.size());
        means.push_back(sum / (with_padding ? static_cast<double>(c.pool_size.height * c.pool_size.width) : inside));
      });
      const AvgPoolOptions options{c.pool_size, c.strides, c.pad, with_padding};
      const Tensor y = avg_pool2d(x, options);
      CHECK(difference(y, Tensor::from(means, y.shape())) < 1e-14);
      CHECK(difference(avg_pool2d(x.to(f32), options), y.to(f32)) < 1e-6);
      if (x.numel() < 300) check_gradient([&](const Tensor& in) { return avg_pool2d(in, options); }, x);
    }
  }
}

TEST_CASE("pooling with same padding gives ceil(n / stride) and never sees the padding") {
  const Tensor x = Tensor::full({1, 5, 6, 1}, -3, f64);
  const Tensor largest = max_pool2d(x, {.pool_size = 3, .strides = 2, .padding = same});
  const Tensor mean = avg_pool2d(x, {.pool_size = 3, .strides = 2, .padding = same});
  CHECK(largest.shape() == Shape{1, 3, 3, 1});
  CHECK(values(largest) == std::vector<double>(9, -3));
  CHECK(values(mean) == std::vector<double>(9, -3));
}

TEST_CASE("global pooling gives a number for each channel") {
  const Tensor x = Tensor::arange(12, f64).reshape({1, 2, 3, 2});
  CHECK(values(global_avg_pool2d(x)) == std::vector<double>{5, 6});
  CHECK(values(global_max_pool2d(x)) == std::vector<double>{10, 11});
  CHECK(global_avg_pool2d(x).shape() == Shape{1, 2});
  check_gradient([](const Tensor& in) { return global_avg_pool2d(in); }, distinct_tensor({2, 3, 4, 2}));
  check_gradient([](const Tensor& in) { return global_max_pool2d(in); }, distinct_tensor({2, 3, 4, 2}));
}

TEST_CASE("a float mean over a large plane keeps its digits") {
  const Tensor x = Tensor::full({1, 512, 512, 1}, 0.1);
  CHECK(std::abs(global_avg_pool2d(x).item() - 0.1) < 1e-6);
}

TEST_CASE("max_unpool2d puts the numbers back where max_pool2d took them") {
  const Tensor x = distinct_tensor({2, 4, 6, 3});
  const auto [y, indices] = max_pool2d_with_indices(x);
  const Tensor back = max_unpool2d(y, indices, {4, 6});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double put = back.data<double>()[i];
    CHECK((put == 0 || put == x.data<double>()[i]));
  }
  CHECK(difference(max_pool2d(max_unpool2d(y.to(f32), indices, {4, 6})), max_pool2d(back).to(f32)) == 0);
  check_gradient([&, places = indices](const Tensor& in) { return max_unpool2d(in, places, {5, 6}); }, y);
}

TEST_CASE("max_unpool2d: where an index comes twice the last number wins and alone gets a gradient") {
  const Tensor indices = Tensor::from<std::int32_t>({2, 0, 2}, {1, 1, 3, 1});
  const Tensor x = Tensor::from({5.0, 6.0, 7.0}, {1, 1, 3, 1});
  CHECK(values(max_unpool2d(x, indices, {1, 4})) == std::vector<double>{6, 0, 7, 0});
  check_gradient([&](const Tensor& in) { return max_unpool2d(in, indices, {1, 4}); }, x);
}

TEST_CASE("pooling works on an empty batch") {
  Tensor x = Tensor::zeros({0, 4, 4, 2}).set_requires_grad();
  const auto [y, indices] = max_pool2d_with_indices(x);
  CHECK(y.shape() == Shape{0, 2, 2, 2});
  max_unpool2d(y, indices, 4).backward(Tensor::zeros({0, 4, 4, 2}));
  CHECK(x.grad().shape() == x.shape());
  global_avg_pool2d(x).backward(Tensor::zeros({0, 2}));
}

TEST_CASE("a trace lists pooling with its sizes and the indices as an output") {
  const Tensor x = Tensor::zeros({1, 4, 6, 2});
  const Trace traced = trace([&] { max_pool2d_with_indices(x, {.pool_size = 3, .strides = 2, .padding = 1}); });
  REQUIRE(traced.ops.size() == 1);
  CHECK(traced.ops[0].outputs.size() == 2);
  std::string text;
  for (const auto& [name, value] : traced.ops[0].attributes) text += name + " " + to_string(value) + "; ";
  CHECK(text == "kernel_size [3, 3]; strides [2, 2]; pads [1, 1, 1, 1]; ");
}

TEST_CASE("pooling says what does not fit") {
  const Tensor x = Tensor::zeros({1, 4, 6, 2});
  CHECK_THROWS_WITH_AS(max_pool2d(Tensor::zeros({4, 6, 2})),
                       "max_pool2d: expected an input [N, H, W, C] with 1 or more channels, got [4, 6, 2]", ShapeError);
  CHECK_THROWS_WITH_AS(
      avg_pool2d(x, {.pool_size = 3, .padding = 3}),
      "avg_pool2d: padding must stay below the pool size 3 on every side, got top 3, bottom 3, left 3, "
      "right 3",
      ShapeError);
  CHECK_THROWS_WITH_AS(
      max_pool2d(x, {.pool_size = 5}),
      "max_pool2d: the kernel spans 5 pixels in height (kernel 5, dilation rate 1) but the padded input "
      "has only 4 (4 + 0 + 0); the smallest input that fits is 5",
      ShapeError);
  CHECK_THROWS_WITH_AS(max_pool2d(x, {.pool_size = 0}), "max_pool2d: kernel height must be 1 or more, got 0",
                       ShapeError);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, {.strides = 0}), "avg_pool2d: stride height must be 1 or more, got 0", ShapeError);
  CHECK_THROWS_WITH_AS(max_pool2d(x.to(i32)), "max_pool2d: expected a float tensor (f32 or f64), got i32", ValueError);
  const Tensor indices = Tensor::full({1, 4, 6, 2}, 9, i32);
  CHECK_THROWS_WITH_AS(max_unpool2d(x, indices, {3, 3}),
                       "max_unpool2d: index 9 lies outside of a 3x3 plane: expected 0 to 8", ValueError);
  CHECK_THROWS_WITH_AS(
      max_unpool2d(x, Tensor::zeros({1, 2}, i32), 8),
      "max_unpool2d: expected an input [N, H, W, C] and indices of its shape, got [1, 4, 6, 2] and [1, 2]", ShapeError);
  CHECK_THROWS_WITH_AS(max_unpool2d(x, x, 8), "max_unpool2d: expected i32 indices, got f32", ValueError);
}
