#pragma once

#include <optional>
#include <tessera/layers/losses/loss.hpp>
#include <vector>

namespace tessera {

struct SigmoidCrossEntropyOptions {
  std::vector<double> class_weights = {};                   ///< a factor for each class' score; empty: all 1
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
};

/// Binary cross-entropy of each class against all others, so that scores need not add up: -w_k log s(x_k) where k is
/// the label, -w_k log(1 - s(x_k)) else, s = sigmoid.
///
/// logits [N, H, W, classes] or [N, classes], labels [N, H, W] or [N] of i32 or u8; the weight is the number of pixels
/// that count times the classes. binary_cross_entropy_with_logits of the labels' one-hot. ShapeError where shapes do
/// not fit, ValueError for labels of another type or outside of the classes, and for the number of weights.
Loss sigmoid_cross_entropy(const Tensor& logits, const Tensor& labels, const SigmoidCrossEntropyOptions& options = {});

}  // namespace tessera
