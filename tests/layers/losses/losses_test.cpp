#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <tessera/core/gradcheck.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/layers/losses/binary_cross_entropy.hpp>
#include <tessera/layers/losses/dice.hpp>
#include <tessera/layers/losses/focal.hpp>
#include <tessera/layers/losses/huber.hpp>
#include <tessera/layers/losses/l1.hpp>
#include <tessera/layers/losses/mse.hpp>
#include <tessera/layers/losses/sigmoid_cross_entropy.hpp>
#include <tessera/layers/losses/soft_jaccard.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using namespace tessera::test;

namespace {

const Tensor labels = Tensor::from<std::int32_t>({0, 2, 2, 9, 0, 0, 2, 3}, {2, 2, 2});  // no 1; 9 is ignored
const Tensor truths = Tensor::from({0.0, 1.0, 0.25, 1.0, 0.0, 0.75}, {2, 3});

void check_gradients(const std::function<Loss(const std::vector<Tensor>&)>& loss, const std::vector<Tensor>& inputs) {
  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& in) { return loss(in).mean(); }, inputs);
  CHECK_MESSAGE(report.passed, report.str());
}

}  // namespace

TEST_CASE("every loss of labels passes gradcheck") {
  const Tensor logits = random_tensor({2, 2, 2, 4});
  check_gradients(
      [](const auto& in) {
        return softmax_cross_entropy(in[0], labels, {{1, 2, 0.5, 4}, 9, 0.1});
      },
      {logits});
  check_gradients([](const auto& in) { return focal_loss(in[0], labels, {.ignore_index = 9}); }, {logits});
  check_gradients([](const auto& in) { return sigmoid_cross_entropy(in[0], labels, {{1, 2, 0.5, 4}, 9}); }, {logits});
  for (const double smooth : {0.0, 1.0}) {
    check_gradients([=](const auto& in) { return dice_loss(in[0], labels, {smooth, 9}); }, {logits});
    check_gradients([=](const auto& in) { return soft_jaccard_loss(in[0], labels, {smooth, 9}); }, {logits});
  }
}

TEST_CASE("every loss of a target passes gradcheck for the prediction and the target") {
  const Tensor x = distinct_tensor({2, 3}), y = distinct_tensor({2, 3}, 2);
  const Tensor shifted = Tensor::from({0.35, -1.3, 2.2, 0.01, -0.48, 0.77}, {2, 3});
  check_gradients([](const auto& in) { return mse_loss(in[0], in[1]); }, {x, y});
  check_gradients([](const auto& in) { return l1_loss(in[0], in[1]); }, {x, shifted});
  check_gradients([](const auto& in) { return huber_loss(in[0], in[1], {.delta = 0.5}); }, {x, shifted});
  check_gradients([](const auto& in) { return binary_cross_entropy_with_logits(in[0], in[1]); }, {x, truths});
  check_gradients(
      [](const auto& in) {
        return binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = {0.5, 2, 3}});
      },
      {x, truths});
}

TEST_CASE("losses of small numbers are what a hand computes") {
  const Tensor x = Tensor::from({1.0, 2.0, 6.0}, {3}), y = Tensor::from({1.0, 4.0, 3.0}, {3});
  CHECK(mse_loss(x, y).mean().item() == doctest::Approx((4 + 9) / 3.0));
  CHECK(l1_loss(x, y).mean().item() == doctest::Approx(5 / 3.0));
  CHECK(huber_loss(x, y, {.delta = 2}).mean().item() == doctest::Approx((2 + 2 * (3 - 1)) / 3.0));
  CHECK(binary_cross_entropy_with_logits(Tensor::zeros({4}), Tensor::from<std::uint8_t>({0, 1, 1, 0}, {4}))
            .mean()
            .item() == doctest::Approx(std::log(2.0)));
  // p = 1/2 everywhere; class 0: I = 1/2, P = 1, T = 1; class 1 the same.
  const Tensor even = Tensor::zeros({2, 2}), both = Tensor::from<std::uint8_t>({0, 1}, {2});
  CHECK(dice_loss(even, both).mean().item() == doctest::Approx(1 - 2 * 0.5 / 2));
  CHECK(soft_jaccard_loss(even, both).mean().item() == doctest::Approx(1 - 0.5 / 1.5));
  CHECK(focal_loss(even, both).mean().item() == doctest::Approx(0.25 * std::log(2.0)));
  CHECK(softmax_cross_entropy(even, both).mean().item() == doctest::Approx(std::log(2.0)));
  CHECK(sigmoid_cross_entropy(even, both, {.class_weights = {1, 3}}).mean().item() ==
        doctest::Approx(2 * std::log(2.0)));
}

TEST_CASE("Dice and Jaccard without the background score the other classes alone") {
  // Even probabilities: of class 1 there are 0.5 of 1 pixel and of 1.5 predicted.
  const Tensor logits = Tensor::zeros({3, 2}, f64), labels = Tensor::from<std::uint8_t>({0, 0, 1}, {3});
  CHECK(dice_loss(logits, labels, {.background = false}).mean().item() == doctest::Approx(1 - 1 / 2.5));
  CHECK(dice_loss(logits, labels).mean().item() == doctest::Approx(1 - (1 / 2.5 + 2 / 3.5) / 2));
  CHECK(soft_jaccard_loss(logits, labels, {.background = false}).mean().item() == doctest::Approx(1 - 0.5 / 2));
  CHECK_THROWS_WITH_AS(dice_loss(Tensor::zeros({1, 1}), Tensor::zeros({1}, u8), {.background = false}),
                       "dice_loss: without the background there is no class left of 1", ValueError);
}

TEST_CASE("losses of two halves average to the loss of the whole by their sums and weights") {
  const Tensor x = random_tensor({2, 2, 2, 4});
  const auto half = [&](const Tensor& t, std::int64_t which) {
    std::vector<double> all = values(t);
    const auto middle = static_cast<std::ptrdiff_t>(all.size() / 2);
    std::vector<double> part(all.begin() + which * middle, all.begin() + (which + 1) * middle);
    Shape shape = t.shape();
    shape[0] = 1;
    return Tensor::from(part, shape).to(t.dtype());
  };
  const auto loss = [](const Tensor& logits, const Tensor& truth) {
    return softmax_cross_entropy(logits, truth, {{1, 2, 0.5, 4}, 9});
  };
  const Loss first = loss(half(x, 0), half(labels, 0)), second = loss(half(x, 1), half(labels, 1));
  const Loss whole = loss(x, labels);
  CHECK((first.sum.item() + second.sum.item()) / (first.weight + second.weight) ==
        doctest::Approx(whole.mean().item()).epsilon(1e-12));
}

TEST_CASE("losses add up by their means and survive a term in which nothing counts") {
  const Tensor x = random_tensor({2, 2, 2, 4});
  const Loss ce = softmax_cross_entropy(x, labels, {.ignore_index = 9}), dice = dice_loss(x, labels, {0, 9});
  const Loss both = ce + 0.5 * dice;
  CHECK(both.mean().item() == doctest::Approx(ce.mean().item() + 0.5 * dice.mean().item()));
  CHECK(both.weight == ce.weight);
  const Loss nothing = softmax_cross_entropy(x, Tensor::full({2, 2, 2}, 9, u8), {.ignore_index = 9});
  CHECK((nothing + dice).mean().item() == doctest::Approx(dice.mean().item()));
  CHECK((nothing + nothing).mean().item() == 0);
}

TEST_CASE("losses name what does not fit") {
  const Tensor x = random_tensor({2, 2, 2, 4}), y = random_tensor({2, 2});
  CHECK_THROWS_WITH_AS(dice_loss(x, labels),
                       "dice_loss: expected labels from 0 to 3 for 4 classes, got 9 at [0, 1, 1] of [2, 2, 2]",
                       ValueError);
  CHECK_THROWS_WITH_AS(soft_jaccard_loss(x, y),
                       "soft_jaccard_loss: expected labels (class indices) of type i32 or u8, got f64 [2, 2]",
                       ValueError);
  CHECK_THROWS_WITH_AS(sigmoid_cross_entropy(x, labels, {.class_weights = {1, 2}, .ignore_index = 9}),
                       "sigmoid_cross_entropy: expected a class weight for each of 4 classes, got 2", ValueError);
  CHECK_THROWS_WITH_AS(dice_loss(x, labels, {.smooth = -1}), "dice_loss: expected smooth >= 0, got -1", ValueError);
  CHECK_THROWS_WITH_AS(mse_loss(x, y), "mse_loss: expected a target of the prediction's shape [2, 2, 2, 4], got [2, 2]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(l1_loss(y, y.to(f32)),
                       "l1_loss: expected prediction and target of one float type, got f64 and f32", ValueError);
  CHECK_THROWS_WITH_AS(huber_loss(y, y, {.delta = 0}), "huber_loss: expected delta > 0, got 0", ValueError);
  CHECK_THROWS_WITH_AS(binary_cross_entropy_with_logits(y, y, {.pos_weight = {1, 2, 3}}),
                       "binary_cross_entropy_with_logits: expected one pos_weight, or one for each channel of logits "
                       "[2, 2], got 3",
                       ValueError);
}
