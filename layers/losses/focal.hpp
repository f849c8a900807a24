#pragma once

#include <optional>
#include <tessera/layers/losses/loss.hpp>
#include <vector>

namespace tessera {

struct FocalOptions {
  double gamma = 2;                                         ///< how much pixels that are right already count less
  std::vector<double> class_weights = {};                   ///< the paper's alpha, one a class; empty: all 1
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
};

/// Focal loss (Lin et al. 2017): -alpha_y (1 - p_y)^gamma log p_y with p = softmax(logits), over pixels that count.
///
/// logits [N, H, W, classes] or [N, classes], labels [N, H, W] or [N] of i32 or u8; the weight is the number of pixels.
/// ShapeError where shapes do not fit, ValueError for labels of another type or outside of the classes.
Loss focal_loss(const Tensor& logits, const Tensor& labels, const FocalOptions& options = {});

}  // namespace tessera
