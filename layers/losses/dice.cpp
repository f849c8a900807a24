#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/layers/losses/class_overlap.hpp>
#include <tessera/layers/losses/dice.hpp>

namespace tessera {

Loss dice_loss(const Tensor& logits, const Tensor& labels, const DiceOptions& options) {
  if (!(options.smooth >= 0)) raise<ValueError>("dice_loss", "expected smooth >= 0, got {}", options.smooth);
  const ClassOverlap overlap = class_overlap("dice_loss", logits, labels, options.ignore_index, options.background);
  const Tensor whole = clamp(overlap.sums + options.smooth, 1e-7, std::nullopt);
  return overlap.loss((overlap.intersection * 2.0 + options.smooth) / whole);
}

}  // namespace tessera
