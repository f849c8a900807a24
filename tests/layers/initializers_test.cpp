#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/layers/initializers.hpp>

using namespace tessera;
using doctest::Approx;

namespace {

struct Statistics {
  double mean = 0, deviation = 0, smallest = 0, largest = 0;
};

Tensor drawn(const Initializer& initialize, const Shape& shape, DType dtype = f32, std::uint64_t seed = 3) {
  Tensor w = Tensor::empty(shape, dtype);
  initialize(w, RandomStream(seed, stream_of("kernel")));
  return w;
}

Statistics statistics(const Initializer& initialize, const Shape& shape) {
  const Tensor w = drawn(initialize, shape, f64);
  const auto values = w.span<double>();
  Statistics result;
  for (const double v : values) result.mean += v;
  result.mean /= static_cast<double>(values.size());
  for (const double v : values) result.deviation += (v - result.mean) * (v - result.mean);
  result.deviation = std::sqrt(result.deviation / static_cast<double>(values.size()));
  result.smallest = *std::min_element(values.begin(), values.end());
  result.largest = *std::max_element(values.begin(), values.end());
  return result;
}

}  // namespace

TEST_CASE("fans follow Keras' rule") {
  CHECK(fans_of({3, 5, 16, 32}).in == 3 * 5 * 16);
  CHECK(fans_of({3, 5, 16, 32}).out == 3 * 5 * 32);
  CHECK(fans_of({7, 9}).in == 7);
  CHECK(fans_of({7, 9}).out == 9);
  CHECK(fans_of({4}).in == 4);
  CHECK(fans_of({}).out == 1);
}

TEST_CASE("constants fill") {
  CHECK(drawn(initializer::zeros(), {2}).at({1}) == 0);
  CHECK(drawn(initializer::ones(), {2}).at({1}) == 1);
  CHECK(drawn(initializer::constant(-2.5), {2}).at({1}) == -2.5);
}

TEST_CASE("random initializers have the limits, mean and deviation they promise") {
  // 40,000 draws: a mean is off by 0.5 % of the deviation, a deviation by 0.35 %; the margins are four times that.
  const Shape shape{5, 5, 40, 40};
  const double in = 1000, both = 2000;
  struct Case {
    const char* name;
    Initializer initialize;
    double mean, deviation, limit;
  };
  const double he_cut = 2 * std::sqrt(2 / in) / 0.87962566103423978;
  const Case cases[] = {
      {"uniform", initializer::uniform(-1, 3), 1, 4 / std::sqrt(12.0), 2},
      {"normal", initializer::normal(2, 0.5), 2, 0.5, 100},
      {"truncated normal", initializer::truncated_normal(2, 0.5), 2, 0.5 * 0.8796, 1},
      {"glorot uniform", initializer::glorot_uniform(), 0, std::sqrt(2 / both), std::sqrt(6 / both)},
      {"glorot normal", initializer::glorot_normal(), 0, std::sqrt(2 / both), he_cut * std::sqrt(0.5)},
      {"he uniform", initializer::he_uniform(), 0, std::sqrt(2 / in), std::sqrt(6 / in)},
      {"he normal", initializer::he_normal(), 0, std::sqrt(2 / in), he_cut},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Statistics s = statistics(c.initialize, shape);
    CHECK(std::abs(s.mean - c.mean) < 0.02 * c.deviation);
    CHECK(s.deviation == Approx(c.deviation).epsilon(0.015));
    CHECK(s.largest <= c.mean + c.limit);
    CHECK(s.smallest >= c.mean - c.limit);
    if (c.limit < 100) CHECK(s.largest > c.mean + 0.99 * c.limit);
  }
}

TEST_CASE("draws are a function of seed and stream, the same in both float types") {
  const auto he = initializer::he_normal();
  const Tensor single = drawn(he, {3, 3, 2, 4}), again = drawn(he, {3, 3, 2, 4}), twice = drawn(he, {3, 3, 2, 4}, f64);
  const Tensor other = drawn(he, {3, 3, 2, 4}, f32, 4);
  std::size_t differ = 0;
  for (std::size_t i = 0; i < 72; ++i) {
    CHECK(single.span<float>()[i] == again.span<float>()[i]);
    CHECK(single.span<float>()[i] == static_cast<float>(twice.span<double>()[i]));
    if (single.span<float>()[i] != other.span<float>()[i]) ++differ;
  }
  CHECK(differ > 70);
}

TEST_CASE("bilinear kernels interpolate each channel from itself") {
  const Tensor w = drawn(initializer::bilinear(), {4, 4, 2, 2}, f64);
  const double line[] = {0.25, 0.75, 0.75, 0.25};
  for (std::int64_t y = 0; y < 4; ++y)
    for (std::int64_t x = 0; x < 4; ++x) {
      CHECK(w.at({y, x, 0, 0}) == line[y] * line[x]);
      CHECK(w.at({y, x, 1, 1}) == line[y] * line[x]);
      CHECK(w.at({y, x, 0, 1}) == 0);
      CHECK(w.at({y, x, 1, 0}) == 0);
    }
  const Tensor odd = drawn(initializer::bilinear(), {3, 5, 1, 3}, f64);
  CHECK(odd.at({1, 2, 0, 2}) == 1);
  CHECK(odd.at({0, 2, 0, 1}) == 0.5);
  CHECK(odd.at({1, 0, 0, 0}) == Approx(1.0 / 3));
  CHECK_THROWS_WITH_AS(drawn(initializer::bilinear(), {4, 4, 2, 3}),
                       "initializer::bilinear: expected a kernel [kh, kw, out/groups, in] with as many outputs as "
                       "inputs or one a group, "
                       "got [4, 4, 2, 3]",
                       ShapeError);
}

TEST_CASE("ICNR repeats one kernel over the sub-pixels of a channel") {
  const Tensor w = drawn(initializer::icnr(2), {3, 3, 5, 12});
  const Tensor small = drawn(initializer::he_normal(), {3, 3, 5, 3});
  for (std::int64_t tap = 0; tap < 9; ++tap)
    for (std::int64_t in = 0; in < 5; ++in)
      for (std::int64_t out = 0; out < 12; ++out)
        CHECK(w.at({tap / 3, tap % 3, in, out}) == small.at({tap / 3, tap % 3, in, out % 3}));
  CHECK_THROWS_WITH_AS(drawn(initializer::icnr(2), {3, 3, 5, 10}),
                       "initializer::icnr: block 2 needs filters divisible by 4, got a kernel [3, 3, 5, 10]",
                       ShapeError);
}
