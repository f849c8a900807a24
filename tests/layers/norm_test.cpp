#include <doctest/doctest.h>

#include <cmath>
#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/group_norm.hpp>
#include <tessera/layers/layer_gradcheck.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/modules.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using doctest::Approx;
using tessera::test::message_of;
using tessera::test::random_tensor;
using tessera::test::set;

TEST_CASE("BatchNorm2D normalises by the batch in training and by the running statistics in evaluation") {
  BatchNorm2D norm({.channels = 2, .momentum = 0.75});
  norm.to(f64);
  set(norm, "gamma", {2, 1});
  set(norm, "beta", {0, 5});
  const Tensor x = Tensor::from({1.0, 7.0, 3.0, 7.0}, {1, 1, 2, 2});  // channel 0: mean 2, variance 1, unbiased 2
  const Tensor y = norm(x);
  CHECK(y.at({0, 0, 0, 0}) == Approx(-2 / std::sqrt(1 + 1e-5)));
  CHECK(y.at({0, 0, 1, 0}) == Approx(2 / std::sqrt(1 + 1e-5)));
  CHECK(y.at({0, 0, 1, 1}) == Approx(5));
  const auto state = norm.state_dict();
  CHECK(state.at("running_mean").at({0}) == Approx(0.25 * 2));
  CHECK(state.at("running_var").at({0}) == Approx(0.75 + 0.25 * 2));
  CHECK(state.at("running_var").at({1}) == Approx(0.75));

  norm.eval();
  CHECK(norm(x).at({0, 0, 1, 0}) == Approx(2 * (3 - 0.5) / std::sqrt(1.25 + 1e-5)));
  CHECK(state.at("running_mean").at({0}) == Approx(0.25 * 2));
}

TEST_CASE("GroupNorm normalises each image's groups of channels") {
  GroupNorm norm({.channels = 4, .groups = 2, .epsilon = 1e-5});
  norm.to(f64);
  set(norm, "beta", {0, 0, 1, 1});
  const Tensor y = norm(Tensor::from({1.0, 3.0, 10.0, 30.0}, {1, 1, 1, 4}));
  CHECK(y.at({0, 0, 0, 0}) == Approx(-1).epsilon(1e-4));
  CHECK(y.at({0, 0, 0, 1}) == Approx(1).epsilon(1e-4));
  CHECK(y.at({0, 0, 0, 3}) == Approx(2).epsilon(1e-4));
}

TEST_CASE("normalisation goes without scale or centre where asked") {
  CHECK(BatchNorm2D({.channels = 2, .center = false}).named_parameters()[0].first == "gamma");
  CHECK(BatchNorm2D({.channels = 2, .scale = false}).parameters().size() == 1);
  CHECK(GroupNorm({.channels = 2, .groups = 1, .center = false, .scale = false}).parameters().empty());
  CHECK(BatchNorm2D({.channels = 2}).named_buffers().size() == 2);
}

TEST_CASE("normalisation refuses bad options") {
  const auto batch = [](const BatchNorm2DOptions& options) {
    return message_of<ValueError>([&] { const BatchNorm2D norm(options); });
  };
  CHECK(batch({}) == "BatchNorm2D: .channels (size of the input's last axis) is required and must be 1 or more, got 0");
  CHECK(batch({.channels = 2, .momentum = 1.5}) == "BatchNorm2D: .momentum must lie between 0 and 1, got 1.5");
  CHECK(batch({.channels = 2, .epsilon = 0}) == "BatchNorm2D: .epsilon must be above 0, got 0");
  CHECK(message_of<ValueError>([] { const GroupNorm norm({.channels = 12, .groups = 5}); }) ==
        "GroupNorm: .groups = 5 must divide .channels = 12; the nearest that does is 4");
}

TEST_CASE("normalisation passes gradcheck, in training and in evaluation") {
  const auto check = [](Layer& layer) {
    const GradcheckReport report = gradcheck(layer, random_tensor({3, 2, 3, 4}));
    CHECK_MESSAGE(report.passed, report.str());
  };
  BatchNorm2D batch({.channels = 4, .gamma_initializer = initializer::normal(1, 0.5)});
  const auto before = batch.state_dict().at("running_mean").clone();
  check(batch);
  CHECK(test::difference(batch.state_dict().at("running_mean"), before) == 0);
  batch.eval();
  check(batch);
  GroupNorm group({.channels = 4, .groups = 2});
  check(group);
}
