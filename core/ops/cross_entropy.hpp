#pragma once

#include <optional>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

struct CrossEntropyOptions {
  std::vector<double> class_weights = {};                   ///< one a class; empty: all 1
  std::optional<std::int64_t> ignore_index = std::nullopt;  ///< a label whose pixels do not count
  double label_smoothing = 0;                               ///< part of each truth spread evenly over all classes
  double focal_gamma = 0;                                   ///< how much pixels that are right already count less
};

/// A summed loss and what it may be divided by.
struct CrossEntropy {
  Tensor sum;              ///< []
  double weight = 0;       ///< sum of the class weights of the labels that are not ignored
  std::int64_t valid = 0;  ///< how many labels are not ignored
};

/// Cross-entropy of softmax(logits) with class indices, summed over pixels; the gradient is made in the same pass.
///
/// logits [..., classes], labels [...] of i32 or u8. With e = label_smoothing, C classes and class weights w, a pixel
/// has (1 - e) w_y (1 - p_y)^gamma (-log p_y) + e / C sum over k of w_k (-log p_k). ShapeError where shapes do not fit,
/// ValueError for labels of another type or outside of the classes (named with their place) and for options out of
/// range.
CrossEntropy cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {});

}  // namespace tessera
