#include <doctest/doctest.h>

#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/pad.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

TEST_CASE("pad fills with a value, the mirrored image or its border") {
  const Tensor x = Tensor::from({1.0, 2.0, 3.0, 4.0}, {4});
  CHECK(values(pad(x, {{2, 1}})) == std::vector<double>{0, 0, 1, 2, 3, 4, 0});
  CHECK(values(pad(x, {{1, 1}}, PadMode::constant, -9)) == std::vector<double>{-9, 1, 2, 3, 4, -9});
  CHECK(values(pad(x, {{3, 2}}, PadMode::reflect)) == std::vector<double>{4, 3, 2, 1, 2, 3, 4, 3, 2});
  CHECK(values(pad(x, {{2, 3}}, PadMode::replicate)) == std::vector<double>{1, 1, 1, 2, 3, 4, 4, 4, 4});
  CHECK(values(pad(Tensor::arange(2, u8), {{0, 2}}, PadMode::constant, 255)) == std::vector<double>{0, 1, 255, 255});
}

TEST_CASE("pad of an image equals index arithmetic in every mode") {
  const Tensor x = random_tensor({2, 5, 4, 3});
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::replicate}) {
    const Tensor y = pad(x, {{}, {4, 1}, {0, 3}, {}}, mode, 0.5);
    REQUIRE(y.shape() == Shape{2, 10, 7, 3});
    const auto source = [mode](std::int64_t at, std::int64_t size) {
      if (mode == PadMode::replicate) return std::clamp<std::int64_t>(at, 0, size - 1);
      if (mode == PadMode::reflect && at < 0) return -at;
      if (mode == PadMode::reflect && at >= size) return 2 * size - 2 - at;
      return at;
    };
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t h = 0; h < 10; ++h)
        for (std::int64_t w = 0; w < 7; ++w)
          for (std::int64_t c = 0; c < 3; ++c) {
            const std::int64_t from_h = source(h - 4, 5), from_w = source(w, 4);
            const bool inside = from_h >= 0 && from_h < 5 && from_w < 4;
            CHECK(y.at({n, h, w, c}) == (inside ? x.at({n, from_h, from_w, c}) : 0.5));
          }
  }
}

TEST_CASE("pad passes gradcheck in every mode") {
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::replicate}) {
    const auto f = [mode](const std::vector<Tensor>& in) { return pad(in[0], {{}, {2, 1}, {1, 3}, {0, 1}}, mode, 2); };
    const GradcheckReport report = gradcheck(f, {random_tensor({2, 3, 4, 2})});
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("pad works on an empty batch") {
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::replicate}) {
    Tensor x = Tensor::zeros({0, 3, 3, 1}).set_requires_grad();
    const Tensor y = pad(x, {{}, {1, 1}, {2, 2}, {}}, mode);
    CHECK(y.shape() == Shape{0, 5, 7, 1});
    y.backward(Tensor::zeros(y.shape()));
    CHECK(x.grad().shape() == x.shape());
  }
  CHECK(values(pad(Tensor::zeros({0}), {{1, 1}}, PadMode::constant, 3)) == std::vector<double>{3, 3});
}

TEST_CASE("pad says what does not fit") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH_AS(pad(x, {{1, 1}}), "pad: expected a padding for each of the 2 axes of [2, 3], got 1", ShapeError);
  CHECK_THROWS_WITH_AS(pad(x, {{}, {0, -1}}), "pad: expected paddings of 0 or more, got 0 and -1 on axis 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(pad(x, {{}, {1, 3}}, PadMode::reflect),
                       "pad: axis 1 of [2, 3] can be reflected by at most 2, got 1 and 3", ShapeError);
  CHECK_THROWS_WITH_AS(pad(Tensor::zeros({0, 3}), {{1, 0}, {}}, PadMode::replicate),
                       "pad: axis 0 of [0, 3] is empty: there is nothing to replicate", ShapeError);
}
