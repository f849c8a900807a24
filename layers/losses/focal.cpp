#include <tessera/core/ops/cross_entropy.hpp>
#include <tessera/layers/losses/focal.hpp>

namespace tessera {

Loss focal_loss(const Tensor& logits, const Tensor& labels, const FocalOptions& options) {
  const CrossEntropy loss = cross_entropy(
      logits, labels,
      {.class_weights = options.class_weights, .ignore_index = options.ignore_index, .focal_gamma = options.gamma});
  return {loss.sum, static_cast<double>(loss.valid)};
}

}  // namespace tessera
