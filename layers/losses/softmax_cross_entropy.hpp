#pragma once

#include <optional>
#include <tessera/layers/losses/loss.hpp>
#include <vector>

namespace tessera {

struct SoftmaxCrossEntropyOptions {
  std::vector<double> class_weights = {};                   ///< one a class; empty: all 1
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
  double label_smoothing = 0;                               ///< part of each truth spread evenly over all classes
};

/// Cross-entropy of softmax(logits) with class indices, as torch.nn.functional.cross_entropy.
///
/// logits [N, H, W, classes] or [N, classes], labels [N, H, W] or [N] of i32 or u8. A pixel has
/// -(1 - e) w_y log p_y - e / C sum over k of w_k log p_k with e = label_smoothing; the weight is the sum of w_y.
/// ShapeError where shapes do not fit, ValueError for labels of another type or outside of the classes.
Loss softmax_cross_entropy(const Tensor& logits, const Tensor& labels, const SoftmaxCrossEntropyOptions& options = {});

}  // namespace tessera
