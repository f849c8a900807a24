#pragma once

#include <cstdint>
#include <optional>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// Measures of a segmentation over all counted pixels; empty where the data does not define one (0 / 0).
struct SegmentationScores {
  std::optional<double> pixel_accuracy;          ///< right pixels / pixels
  std::optional<double> class_accuracy;          ///< mean of `accuracy` over the classes that have one
  std::optional<double> mean_iou;                ///< mean of `iou` over the classes that have one
  std::optional<double> mean_dice;               ///< mean of `dice` over the classes that have one
  std::optional<double> frequency_weighted_iou;  ///< sum of `iou`, weighted by each class's share of the true pixels
  std::vector<std::optional<double>> accuracy;   ///< right / true pixels of the class; empty where it has none
  std::vector<std::optional<double>> iou;        ///< right / (true or predicted); empty where it is neither
  std::vector<std::optional<double>> dice;       ///< 2 right / (true + predicted); empty where it is neither
};

/// The mean of the values that there are; empty where there are none.
std::optional<double> mean_of(const std::vector<std::optional<double>>& values);

/// Counts of pixels by true and predicted class, over a whole data set: what every measure is computed from.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::int64_t classes, std::int32_t ignore_index = -1);

  /// Adds the pixels of two i32 or u8 tensors of one shape; those whose truth is the ignored label do not count.
  /// ShapeError where the shapes differ, ValueError for a value beyond the classes.
  void add(const Tensor& truth, const Tensor& prediction);
  void add(const ConfusionMatrix& other);

  std::int64_t classes() const { return classes_; }
  std::int64_t count(std::int64_t truth, std::int64_t prediction) const;
  SegmentationScores scores() const;

 private:
  std::int64_t classes_;
  std::int32_t ignore_index_;
  std::vector<std::int64_t> counts_;  ///< [truth, prediction]
};

}  // namespace tessera
