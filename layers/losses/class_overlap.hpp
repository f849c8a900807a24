#pragma once

#include <optional>
#include <string_view>
#include <tessera/layers/losses/loss.hpp>

namespace tessera {

/// How prediction and truth overlap, class by class, over all pixels that count: what Dice and Jaccard are made of.
struct ClassOverlap {
  Tensor intersection;  ///< [classes]: sum of the probabilities at the pixels of the class
  Tensor sums;          ///< [classes]: sum of all probabilities, plus the number of pixels of the class
  Tensor present;       ///< [classes]: 1 for classes that the truth has, else 0
  double pixels = 0;    ///< how many count
  double classes = 0;   ///< how many are scored: all, or all but class 0

  /// The mean of 1 - score over all classes scored, absent ones as 0; its weight is the number of pixels.
  Loss loss(const Tensor& score) const;
};

/// Of softmax(logits) [..., classes] and labels [...]; class 0 is scored with `background` alone. Errors begin with
/// `op`.
ClassOverlap class_overlap(std::string_view op, const Tensor& logits, const Tensor& labels,
                           std::optional<std::int64_t> ignore_index, bool background);

}  // namespace tessera
