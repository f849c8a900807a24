#pragma once

#include <optional>
#include <tessera/layers/losses/loss.hpp>

namespace tessera {

struct DiceOptions {
  double smooth = 0;                                        ///< added to both sides of the fraction
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
  bool background = true;                                   ///< whether class 0 is scored, too
};

/// Soft Dice loss (Milletari et al. 2016): 1 - (2 I + smooth) / (P + T + smooth) for every class in the truth.
///
/// logits [N, H, W, classes], labels [N, H, W] of i32 or u8. I, P, T: sums of p t, p and t over all pixels of the batch
/// that count, with p = softmax(logits) and t the one-hot truth. The mean divides by all classes scored, as
/// segmentation_models_pytorch's does; the weight is the number of pixels. Errors as softmax_cross_entropy's.
Loss dice_loss(const Tensor& logits, const Tensor& labels, const DiceOptions& options = {});

}  // namespace tessera
