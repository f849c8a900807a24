#include <doctest/doctest.h>

#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/layers/pooling.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using tessera::test::distinct_tensor;
using tessera::test::message_of;

namespace {

/// 0 to 15 as one 4x4 image.
Tensor ramp() { return Tensor::arange(16, f64).reshape({1, 4, 4, 1}); }

void check_gradients(Layer& layer) {
  const GradcheckReport report = gradcheck(layer, distinct_tensor({2, 5, 4, 3}));
  CHECK_MESSAGE(report.passed, report.str());
}

}  // namespace

TEST_CASE("pooling layers take the largest, or the mean, of every window") {
  MaxPool2D max;
  AvgPool2D mean({.pool_size = 2, .strides = 1});
  GlobalAvgPool2D all_mean;
  GlobalMaxPool2D all_max;
  CHECK(max(ramp()).shape() == Shape{1, 2, 2, 1});
  CHECK(max(ramp()).at({0, 0, 1, 0}) == 7);
  CHECK(mean(ramp()).shape() == Shape{1, 3, 3, 1});
  CHECK(mean(ramp()).at({0, 0, 1, 0}) == 3.5);
  CHECK(all_mean(ramp()).at({0, 0}) == 7.5);
  CHECK(all_max(ramp()).shape() == Shape{1, 1});
  CHECK(all_max(ramp()).item() == 15);
  CHECK(max.parameters().empty());
}

TEST_CASE("unpooling puts numbers back where pooling took them") {
  MaxPool2D pool;
  MaxUnpool2D unpool;
  const PooledWithIndices pooled = pool.with_indices(ramp());
  const Tensor y = unpool(pooled.output, pooled.indices, 4);
  CHECK(y.shape() == Shape{1, 4, 4, 1});
  for (std::int64_t row = 0; row < 4; ++row)
    for (std::int64_t column = 0; column < 4; ++column) {
      const bool taken = row % 2 == 1 && column % 2 == 1;
      CHECK(y.at({0, row, column, 0}) == (taken ? static_cast<double>(row * 4 + column) : 0));
    }
}

TEST_CASE("a pooling layer's errors begin with its path") {
  Module root;
  MaxPool2D pool = root.add("pool3", MaxPool2D());
  const std::string text = message_of<ShapeError>([&] { pool(Tensor::zeros({1, 1, 1, 1})); });
  CHECK_MESSAGE(text.starts_with("pool3: "), text);
}

TEST_CASE("pooling layers pass gradcheck") {
  MaxPool2D max({.pool_size = 3, .strides = 2, .padding = same});
  AvgPool2D mean({.pool_size = 2, .strides = 1, .padding = same});
  GlobalAvgPool2D all_mean;
  GlobalMaxPool2D all_max;
  check_gradients(max);
  check_gradients(mean);
  check_gradients(all_mean);
  check_gradients(all_max);
}
