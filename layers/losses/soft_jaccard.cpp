#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/layers/losses/class_overlap.hpp>
#include <tessera/layers/losses/soft_jaccard.hpp>

namespace tessera {

Loss soft_jaccard_loss(const Tensor& logits, const Tensor& labels, const SoftJaccardOptions& options) {
  if (!(options.smooth >= 0)) raise<ValueError>("soft_jaccard_loss", "expected smooth >= 0, got {}", options.smooth);
  const ClassOverlap overlap =
      class_overlap("soft_jaccard_loss", logits, labels, options.ignore_index, options.background);
  const Tensor whole = clamp(overlap.sums - overlap.intersection + options.smooth, 1e-7, std::nullopt);
  return overlap.loss((overlap.intersection + options.smooth) / whole);
}

}  // namespace tessera
