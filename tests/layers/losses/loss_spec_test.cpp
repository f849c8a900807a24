#include <doctest/doctest.h>

#include <tessera/layers/losses/dice.hpp>
#include <tessera/layers/losses/focal.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/layers/losses/sigmoid_cross_entropy.hpp>
#include <tessera/layers/losses/soft_jaccard.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>
#include <tests/support/values.hpp>

using namespace tessera;

TEST_CASE("a text names a weighted sum of losses, with the options given") {
  const Tensor x = test::random_tensor({5, 3}), labels = Tensor::from<std::uint8_t>({0, 2, 1, 7, 1}, {5});
  const std::vector<double> weights{1, 2, 3};
  const auto value = [&](std::string_view spec) {
    return loss_from_spec(spec, {.class_weights = weights, .ignore_index = 7, .label_smoothing = 0.1})(x, labels)
        .mean()
        .item();
  };
  const double ce = softmax_cross_entropy(x, labels, {weights, 7, 0.1}).mean().item();
  const double dice = dice_loss(x, labels, {.ignore_index = 7}).mean().item();
  const double jaccard = soft_jaccard_loss(x, labels, {.ignore_index = 7}).mean().item();
  const double focal = focal_loss(x, labels, {.class_weights = weights, .ignore_index = 7}).mean().item();
  CHECK(value("ce") == doctest::Approx(ce));
  CHECK(value("bce") ==
        doctest::Approx(sigmoid_cross_entropy(x, labels, {.class_weights = weights, .ignore_index = 7}).mean().item()));
  CHECK(value("ce+0.5*dice") == doctest::Approx(ce + 0.5 * dice));
  CHECK(value("dice_objects") ==
        doctest::Approx(dice_loss(x, labels, {.ignore_index = 7, .background = false}).mean().item()));
  CHECK(value("jaccard_objects") ==
        doctest::Approx(soft_jaccard_loss(x, labels, {.ignore_index = 7, .background = false}).mean().item()));
  CHECK(value("1e-1 * focal + jaccard + 2*dice") == doctest::Approx(0.1 * focal + jaccard + 2 * dice));
}

TEST_CASE("a loss that was not understood is named with what there is") {
  CHECK_THROWS_WITH_AS(
      loss_from_spec("ce+0.5*dise"),
      "no loss is called \"dise\" in \"ce+0.5*dise\": expected a sum of ce, bce, focal, dice, jaccard, dice_objects "
      "and jaccard_objects, such as ce+0.5*dice",
      ValueError);
  CHECK_THROWS_WITH_AS(loss_from_spec(""),
                       "no loss is called \"\" in \"\": expected a sum of ce, bce, focal, dice, jaccard, dice_objects "
                       "and jaccard_objects, such as ce+0.5*dice",
                       ValueError);
  CHECK_THROWS_AS(loss_from_spec("ce+"), ValueError);
  CHECK_THROWS_WITH_AS(loss_from_spec("half*ce"),
                       "expected a factor of 0 or more before '*', such as 0.5*dice, got \"half\" in \"half*ce\"",
                       ValueError);
  CHECK_THROWS_AS(loss_from_spec("-1*ce"), ValueError);
  CHECK_THROWS_WITH_AS(loss_from_spec("0*ce+0*dice"),
                       "expected a factor above 0, got \"0*ce+0*dice\": there would be nothing to learn", ValueError);
  CHECK_NOTHROW(loss_from_spec("0*ce+dice"));
}
