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

  /// The mean of 1 - score over all classes, absent ones as 0; its weight is the number of pixels.
  Loss loss(const Tensor& score) const;
};

/// Of softmax(logits) [..., classes] and labels [...]; errors begin with `op`.
ClassOverlap class_overlap(std::string_view op, const Tensor& logits, const Tensor& labels,
                           std::optional<std::int64_t> ignore_index);

}  // namespace tessera
