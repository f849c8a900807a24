#include <doctest/doctest.h>

#include <tessera/layers/losses/binary_cross_entropy.hpp>
#include <tessera/layers/losses/dice.hpp>
#include <tessera/layers/losses/focal.hpp>
#include <tessera/layers/losses/huber.hpp>
#include <tessera/layers/losses/l1.hpp>
#include <tessera/layers/losses/mse.hpp>
#include <tessera/layers/losses/sigmoid_cross_entropy.hpp>
#include <tessera/layers/losses/soft_jaccard.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/values.hpp>

using namespace tessera;
using nlohmann::json;

namespace {

Loss compute(const test::Golden& golden, const json& c, const Tensor& input) {
  const std::string name = c["loss"];
  const DType dtype = input.dtype();
  const auto numbers = [&](const char* tensor) {
    return golden.has(c, tensor) ? test::values(golden.get(c, tensor)) : std::vector<double>{};
  };
  const auto target = [&] { return golden.get(c, "target").to(dtype); };
  if (name == "mse") return mse_loss(input, target());
  if (name == "l1") return l1_loss(input, target());
  if (name == "huber") return huber_loss(input, target(), {.delta = c["delta"]});
  if (name == "binary_cross_entropy_with_logits")
    return binary_cross_entropy_with_logits(input, target(), {.pos_weight = numbers("pos_weight")});

  const Tensor labels = golden.get(c, "labels");
  std::optional<std::int64_t> ignore;
  if (!c["ignore_index"].is_null()) ignore = c["ignore_index"].get<std::int64_t>();
  if (name == "cross_entropy")
    return softmax_cross_entropy(input, labels, {numbers("class_weights"), ignore, c["label_smoothing"]});
  if (name == "focal") return focal_loss(input, labels, {c["gamma"], numbers("class_weights"), ignore});
  if (name == "sigmoid") return sigmoid_cross_entropy(input, labels, {numbers("class_weights"), ignore});
  if (name == "dice") return dice_loss(input, labels, {c["smooth"], ignore});
  REQUIRE(name == "jaccard");
  return soft_jaccard_loss(input, labels, {c["smooth"], ignore});
}

}  // namespace

TEST_CASE("every loss and its gradient equal PyTorch's") {
  const test::Golden golden("losses.safetensors");
  REQUIRE(golden.cases().size() >= 60);
  for (const DType dtype : {f64, f32}) {
    const double tolerance = dtype == f64 ? 1e-12 : 2e-5;
    for (const json& golden_case : golden.cases()) {
      CAPTURE(golden_case.dump());
      Tensor input = golden.get(golden_case, "input").to(dtype).clone().set_requires_grad();
      const Tensor mean = compute(golden, golden_case, input).mean();
      mean.backward();
      const double expected = golden.get(golden_case, "loss").item();
      CHECK(std::abs(mean.item() - expected) <= tolerance * std::max(1.0, std::abs(expected)));
      CHECK(test::difference(input.grad().to(f64), golden.get(golden_case, "input_grad")) <= tolerance);
    }
  }
}
