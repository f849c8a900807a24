#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/cross_entropy.hpp>
#include <tessera/core/parallel.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

Tensor random_labels(const Shape& shape, std::int64_t classes, DType dtype = i32) {
  const RandomStream random(5, stream_of("labels"));
  Tensor labels = Tensor::empty(shape, i32);
  for (std::int64_t i = 0; i < labels.numel(); ++i)
    labels.mutable_data<std::int32_t>()[i] =
        static_cast<std::int32_t>(random.integer(static_cast<std::uint64_t>(i), classes));
  return labels.to(dtype);
}

}  // namespace

TEST_CASE("cross-entropy of even logits is the logarithm of the number of classes") {
  const CrossEntropy loss = cross_entropy(Tensor::zeros({2, 3, 4}, f64), random_labels({2, 3}, 4));
  CHECK(loss.sum.item() == doctest::Approx(6 * std::log(4.0)));
  CHECK(loss.weight == 6);
  CHECK(loss.valid == 6);
}

TEST_CASE("cross-entropy weighs classes and leaves ignored pixels out") {
  const double high = std::log(3.0);  // p = 3/4 for the class that has it, 1/4 for the other
  const Tensor logits = Tensor::from({high, 0.0, high, 0.0, 0.0, high}, {3, 2});
  const Tensor labels = Tensor::from<std::uint8_t>({0, 1, 9}, {3});
  const CrossEntropy loss = cross_entropy(logits, labels, {.class_weights = {2, 5}, .ignore_index = 9});
  CHECK(loss.sum.item() == doctest::Approx(2 * std::log(4.0 / 3) + 5 * std::log(4.0)));
  CHECK(loss.weight == 7);
  CHECK(loss.valid == 2);
}

TEST_CASE("cross-entropy gives gradients of zero to ignored pixels, also where a class is ignored") {
  Tensor logits = random_tensor({4, 3}).set_requires_grad();
  cross_entropy(logits, Tensor::from<std::int32_t>({0, 1, 1, 2}, {4}), {.ignore_index = 1}).sum.backward();
  const std::vector<double> grad = values(logits.grad());
  for (std::size_t i = 3; i < 9; ++i) CHECK(grad[i] == 0);
  CHECK(grad[0] < 0);
  CHECK(grad[11] < 0);
}

TEST_CASE("cross-entropy of ignored pixels alone is 0 with a weight of 0") {
  Tensor logits = random_tensor({4, 3}).set_requires_grad();
  const CrossEntropy loss = cross_entropy(logits, Tensor::full({4}, 255, u8), {.ignore_index = 255});
  loss.sum.backward();
  CHECK(loss.sum.item() == 0);
  CHECK(loss.weight == 0);
  CHECK(values(logits.grad()) == std::vector<double>(12, 0.0));
}

TEST_CASE("cross-entropy passes gradcheck with every option") {
  const Tensor labels = random_labels({2, 3, 2}, 3);
  const std::vector<double> weights{0.5, 2, 1.25};
  for (const CrossEntropyOptions& options :
       {CrossEntropyOptions{}, CrossEntropyOptions{.class_weights = weights},
        CrossEntropyOptions{.class_weights = weights, .ignore_index = 1, .label_smoothing = 0.2},
        CrossEntropyOptions{.focal_gamma = 2}, CrossEntropyOptions{.label_smoothing = 0.1, .focal_gamma = 0.5},
        CrossEntropyOptions{.class_weights = weights, .ignore_index = 2, .focal_gamma = 3.5}}) {
    const auto f = [&](const std::vector<Tensor>& in) { return cross_entropy(in[0], labels, options).sum; };
    const GradcheckReport report = gradcheck(f, {random_tensor({2, 3, 2, 3})});
    CHECK_MESSAGE(report.passed, report.str());
  }
}

TEST_CASE("cross-entropy is the same for u8 and i32 labels and on any number of threads") {
  const Tensor logits = random_tensor({3, 41, 43, 5}, 1, f32), labels = random_labels({3, 41, 43}, 5);
  const auto run = [&](const Tensor& truth, int threads) {
    const int before = num_threads();
    set_num_threads(threads);
    Tensor x = logits.detach().set_requires_grad();
    const Tensor sum = cross_entropy(x, truth).sum;
    sum.backward();
    set_num_threads(before);
    return std::pair{sum.item(), x.grad()};
  };
  const auto [sum, grad] = run(labels, 1);
  const auto [sum_u8, grad_u8] = run(labels.to(u8), 3);
  CHECK(sum == sum_u8);
  CHECK(difference(grad, grad_u8) == 0);
  const double wide = cross_entropy(logits.to(f64), labels).sum.item();
  CHECK(sum == doctest::Approx(wide).epsilon(1e-6));
}

TEST_CASE("cross-entropy stays finite for logits that are far apart") {
  Tensor logits = Tensor::from({500.0F, -500.0F, 0.0F}, {1, 3}).set_requires_grad();
  for (const double gamma : {0.0, 0.5, 2.0}) {
    logits.zero_grad();
    const Tensor sum = cross_entropy(logits, Tensor::from<std::int32_t>({1}, {1}), {.focal_gamma = gamma}).sum;
    sum.backward();
    CHECK(sum.item() == 1000);
    CHECK(values(logits.grad()) == std::vector<double>{1, -1, 0});
    const Tensor right = cross_entropy(logits, Tensor::from<std::int32_t>({0}, {1}), {.focal_gamma = gamma}).sum;
    logits.zero_grad();
    right.backward();
    CHECK(right.item() == 0);
    CHECK(values(logits.grad()) == std::vector<double>{0, 0, 0});
  }
}

TEST_CASE("cross-entropy without recording gives the same number") {
  Tensor logits = random_tensor({7, 3}).set_requires_grad();
  const Tensor labels = random_labels({7}, 3);
  const double recorded = cross_entropy(logits, labels).sum.item();
  const NoGrad no_grad;
  const Tensor sum = cross_entropy(logits, labels).sum;
  CHECK(sum.item() == recorded);
  CHECK_FALSE(sum.requires_grad());
}

TEST_CASE("cross-entropy names labels, weights and options that do not fit") {
  const Tensor logits = Tensor::zeros({1, 2, 2, 3}), labels = Tensor::zeros({1, 2, 2}, u8);
  const auto with = [&](int label) {
    Tensor changed = labels.to(i32);
    changed.mutable_data<std::int32_t>()[3] = label;
    return changed;
  };
  CHECK_THROWS_WITH_AS(cross_entropy(logits, with(7)),
                       "cross_entropy: expected labels from 0 to 2 for 3 classes, got 7 at [0, 1, 1] of [1, 2, 2]",
                       ValueError);
  CHECK_THROWS_WITH_AS(
      cross_entropy(logits, with(-1), {.ignore_index = 255}),
      "cross_entropy: expected labels from 0 to 2 or 255 (ignored) for 3 classes, got -1 at [0, 1, 1] of [1, 2, 2]",
      ValueError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, labels.to(f32)),
                       "cross_entropy: expected labels (class indices) of type i32 or u8, got f32 [1, 2, 2]",
                       ValueError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits.to(i32), labels),
                       "cross_entropy: expected logits of type f32 or f64, got i32 [1, 2, 2, 3]", ValueError);
  CHECK_THROWS_WITH_AS(
      cross_entropy(logits, Tensor::zeros({1, 2, 3}, u8)),
      "cross_entropy: expected logits [N, H, W, classes] and labels [N, H, W], got [1, 2, 2, 3] and [1, 2, 3]",
      ShapeError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, labels, {.class_weights = {1, 2}}),
                       "cross_entropy: expected 3 class weights, one for each class of the logits, got 2", ValueError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, labels, {.class_weights = {1, 2, -0.5}}),
                       "cross_entropy: expected class weights >= 0, got -0.5", ValueError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, labels, {.label_smoothing = 1.5}),
                       "cross_entropy: expected 0 <= label_smoothing <= 1, got 1.5", ValueError);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, labels, {.focal_gamma = -1}), "cross_entropy: expected gamma >= 0, got -1",
                       ValueError);
}
