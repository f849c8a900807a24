#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/batch_norm.hpp>
#include <tessera/core/ops/group_norm.hpp>
#include <tessera/core/parallel.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

/// Normalises the elements that share a key, in the plainest way: a mean, then a mean of squared distances.
template <class Key>
Tensor normalize_naively(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, std::size_t keys,
                         Key key) {
  std::vector<double> mean(keys), variance(keys), count(keys);
  const double* in = x.data<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    mean[key(i)] += in[i];
    ++count[key(i)];
  }
  for (std::size_t k = 0; k < keys; ++k) mean[k] /= count[k];
  for (std::int64_t i = 0; i < x.numel(); ++i) variance[key(i)] += std::pow(in[i] - mean[key(i)], 2) / count[key(i)];
  Tensor y = Tensor::empty(x.shape(), f64);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t c = i % x.size(-1);
    y.mutable_data<double>()[i] =
        gamma.data<double>()[c] * (in[i] - mean[key(i)]) / std::sqrt(variance[key(i)] + epsilon) +
        beta.data<double>()[c];
  }
  return y;
}

Tensor trained(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  return batch_norm(x, gamma, beta, {}, {}, {.training = true});
}

}  // namespace

TEST_CASE("batch_norm in training equals the definition, over blocks of channels and chunks of rows") {
  for (const Shape& shape : {Shape{3, 5, 7, 3}, Shape{2, 1, 1, 8}, Shape{4, 19}, Shape{2, 61, 47, 9}}) {
    const Tensor x = random_tensor(shape, 1), gamma = random_tensor({shape.size(-1)}, 2);
    const Tensor beta = random_tensor({shape.size(-1)}, 3);
    const auto channel = [&](std::int64_t i) { return static_cast<std::size_t>(i % shape.size(-1)); };
    const auto channels = static_cast<std::size_t>(shape.size(-1));
    const Tensor expected = normalize_naively(x, gamma, beta, 1e-5, channels, channel);
    CHECK(difference(trained(x, gamma, beta), expected) < 1e-12);
    CHECK(difference(trained(x.to(f32), gamma.to(f32), beta.to(f32)), expected.to(f32)) < 1e-5);
  }
}

TEST_CASE("batch_norm keeps its digits where the mean is a thousand deviations away") {
  const Tensor noise = random_tensor({4, 16, 16, 3}, 1);
  Tensor shifted = noise.clone();
  for (std::int64_t i = 0; i < shifted.numel(); ++i) shifted.mutable_data<double>()[i] += 1000;
  CHECK(difference(trained(shifted.to(f32), {}, {}), trained(noise, {}, {}).to(f32)) < 5e-4);
}

TEST_CASE("batch_norm moves the running statistics: Keras' momentum, unbiased variance") {
  // Channel of 1, 2, 3, 6: mean 3, unbiased variance 14 / 3.
  const Tensor x = Tensor::from({1.0, 2.0, 3.0, 6.0}, {2, 2, 1, 1});
  Tensor mean = Tensor::from({10.0}, {1}), variance = Tensor::from({2.0}, {1});
  batch_norm(x, {}, {}, mean, variance, {.training = true, .momentum = 0.75});
  CHECK(mean.item() == doctest::Approx(0.75 * 10 + 0.25 * 3));
  CHECK(variance.item() == doctest::Approx(0.75 * 2 + 0.25 * 14 / 3));
  const Tensor y = batch_norm(x, {}, {}, mean, variance, {.epsilon = 0});
  CHECK(y.at({0, 1, 0, 0}) == doctest::Approx((2 - mean.item()) / std::sqrt(variance.item())));
  CHECK(mean.version() == 2);
}

TEST_CASE("batch_norm passes gradcheck in training and with given statistics") {
  using In = const std::vector<Tensor>&;
  const std::vector<Tensor> inputs{random_tensor({2, 3, 2, 3}, 1), random_tensor({3}, 2), random_tensor({3}, 3)};
  const Tensor mean = random_tensor({3}, 4), variance = Tensor::full({3}, 2, f64);
  for (const bool training : {true, false}) {
    const auto f = [&](In in) {
      return training ? trained(in[0], in[1], in[2]) : batch_norm(in[0], in[1], in[2], mean, variance);
    };
    const GradcheckReport report = gradcheck(f, inputs);
    CHECK_MESSAGE(report.passed, report.str());
  }
  CHECK(gradcheck([](In in) { return trained(in[0], {}, {}); }, {random_tensor({3, 2, 10}, 5)}));
}

TEST_CASE("group_norm equals the definition for every number of groups") {
  const Shape shape{3, 5, 4, 12};
  const Tensor x = random_tensor(shape, 1), gamma = random_tensor({12}, 2), beta = random_tensor({12}, 3);
  for (const std::int64_t groups : {1, 2, 3, 4, 6, 12}) {
    const auto key = [&](std::int64_t i) {
      return static_cast<std::size_t>(i / (5 * 4 * 12) * groups + i % 12 / (12 / groups));
    };
    const Tensor expected = normalize_naively(x, gamma, beta, 1e-5, static_cast<std::size_t>(3 * groups), key);
    CHECK(difference(group_norm(x, groups, gamma, beta), expected) < 1e-12);
    CHECK(difference(group_norm(x.to(f32), groups, gamma.to(f32), beta.to(f32)), expected.to(f32)) < 1e-5);
  }
}

TEST_CASE("group_norm passes gradcheck") {
  for (const std::int64_t groups : {1, 2, 6}) {
    const auto f = [=](const std::vector<Tensor>& in) { return group_norm(in[0], groups, in[1], in[2]); };
    const GradcheckReport report =
        gradcheck(f, {random_tensor({2, 3, 2, 6}, 1), random_tensor({6}, 2), random_tensor({6}, 3)});
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("normalisation gives the same bits on any number of threads") {
  const Tensor x = random_tensor({3, 61, 47, 9}, 1, f32);
  const int before = num_threads();
  const auto results = [&](int threads) {
    set_num_threads(threads);
    Tensor leaf = x.clone().set_requires_grad();
    trained(leaf, {}, {}).backward(random_tensor(x.shape(), 2, f32));
    group_norm(leaf, 3, {}, {}).backward(random_tensor(x.shape(), 3, f32));
    return leaf.grad();
  };
  const Tensor one = results(1), three = results(3);
  set_num_threads(before);
  CHECK(difference(one, three) == 0);
}

TEST_CASE("normalisation works on an empty batch and leaves the running statistics alone") {
  Tensor x = Tensor::zeros({0, 2, 2, 3}).set_requires_grad(), gamma = Tensor::ones({3}).set_requires_grad();
  const Tensor mean = Tensor::full({3}, 4), variance = Tensor::full({3}, 5);
  batch_norm(x, gamma, {}, mean, variance, {.training = true}).backward(Tensor::zeros({0, 2, 2, 3}));
  group_norm(x, 3, gamma, {}).backward(Tensor::zeros({0, 2, 2, 3}));
  CHECK(values(gamma.grad()) == std::vector<double>{0, 0, 0});
  CHECK(values(mean) == std::vector<double>{4, 4, 4});
  CHECK(values(variance) == std::vector<double>{5, 5, 5});
}

TEST_CASE("normalisation says what it does not take") {
  const Tensor x = Tensor::zeros({1, 1, 1, 4}), two = Tensor::ones({2});
  const BatchNormOptions training{.training = true};
  CHECK_THROWS_WITH_AS(batch_norm(x, {}, {}, {}, {}, training),
                       "batch_norm: cannot train on a single value for each channel, got input [1, 1, 1, 4]: use a "
                       "larger batch or image",
                       ValueError);
  CHECK_THROWS_WITH_AS(batch_norm(x, {}, {}, {}, {}),
                       "batch_norm: needs running_mean and running_var where it is not training", ValueError);
  CHECK_THROWS_WITH_AS(batch_norm(x, {}, two, {}, {}, training),
                       "batch_norm: expected beta [4] for input [1, 1, 1, 4], got [2]", ShapeError);
  CHECK_THROWS_WITH_AS(batch_norm(x, Tensor::ones({4}, f64), {}, {}, {}, training),
                       "batch_norm: expected gamma of the input's type f32, got f64", ValueError);
  CHECK_THROWS_WITH_AS(batch_norm(x, {}, {}, {}, {}, {.training = true, .momentum = 1.5}),
                       "batch_norm: expected a momentum from 0 to 1, got 1.5", ValueError);
  CHECK_THROWS_WITH_AS(group_norm(x, 3, {}, {}), "group_norm: groups 3 must divide the 4 channels of [1, 1, 1, 4]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(group_norm(x, 0, {}, {}), "group_norm: groups 0 must divide the 4 channels of [1, 1, 1, 4]",
                       ShapeError);
}
