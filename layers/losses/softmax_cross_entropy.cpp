#include <tessera/core/ops/cross_entropy.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>

namespace tessera {

Loss softmax_cross_entropy(const Tensor& logits, const Tensor& labels, const SoftmaxCrossEntropyOptions& options) {
  const CrossEntropy loss = cross_entropy(logits, labels,
                                          {.class_weights = options.class_weights,
                                           .ignore_index = options.ignore_index,
                                           .label_smoothing = options.label_smoothing});
  return {loss.sum, loss.weight};
}

}  // namespace tessera
