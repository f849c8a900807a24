#pragma once

#include <optional>
#include <tessera/layers/losses/loss.hpp>

namespace tessera {

struct SoftJaccardOptions {
  double smooth = 0;                                        ///< added to both sides of the fraction
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
  bool background = true;                                   ///< whether class 0 is scored, too
};

/// Soft Jaccard (IoU) loss: 1 - (I + smooth) / (P + T - I + smooth) for every class in the truth.
///
/// Shapes, I, P, T, mean, weight and errors as dice_loss's.
Loss soft_jaccard_loss(const Tensor& logits, const Tensor& labels, const SoftJaccardOptions& options = {});

}  // namespace tessera
