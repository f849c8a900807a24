#pragma once

#include <cstdint>
#include <optional>

namespace tessera::kernels {

/// Rows of logits [rows, classes], one label a row, and how each row counts.
struct CrossEntropyGeometry {
  std::int64_t rows = 0;
  std::int64_t classes = 1;
  const double* class_weights = nullptr;  ///< one a class
  std::optional<std::int64_t> ignore_index;
  double label_smoothing = 0;
  double focal_gamma = 0;
};

struct CrossEntropyTotals {
  double loss = 0;
  double weight = 0;            ///< sum of the class weights of the labels that are not ignored
  std::int64_t valid = 0;       ///< how many labels are not ignored
  std::int64_t bad_label = -1;  ///< the first row whose label is no class; the rest is then meaningless
};

/// One pass over the rows; writes the gradient of the summed loss by the logits into `grad` unless that is null.
///
/// With p = softmax(x), e = label_smoothing, C classes, weights w: loss of a row =
/// (1 - e) w_y (1 - p_y)^gamma (-log p_y) + e / C sum over k of w_k (-log p_k).
template <class T, class Label>
CrossEntropyTotals cross_entropy(const CrossEntropyGeometry& geometry, const T* logits, const Label* labels, T* grad);

}  // namespace tessera::kernels
