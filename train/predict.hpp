#pragma once

#include <filesystem>
#include <memory>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/checkpoint.hpp>

namespace tessera {

/// Scores of images [N, H, W, C] of any size, in evaluation mode and without gradients: [N, H, W, classes].
///
/// Images are padded at the bottom and the right with zeros, the mean of normalised images, to a size the model takes;
/// the scores there are cut off.
Tensor class_scores(SegmentationModel& model, const Tensor& images);

/// The class of the highest score, the lowest such class at a tie: [..., classes] -> [...], i32.
Tensor best_classes(const Tensor& scores);

/// A network with all that a checkpoint says of how images become its input.
class Predictor {
 public:
  explicit Predictor(const Checkpoint& checkpoint);

  const Labels& labels() const { return labels_; }
  SegmentationModel& model() { return *model_; }

  /// Reads an image as f32 [H, W, C] of 0 to 1 with as many channels as the network takes. IoError names the file.
  Tensor read(const std::filesystem::path& path) const;
  /// The class of every pixel: image [H, W, C] of 0 to 1 -> [H, W], i32.
  Tensor operator()(const Tensor& image);

 private:
  std::unique_ptr<SegmentationModel> model_;
  std::int64_t channels_;
  Labels labels_;
  Standardization standardization_;
};

}  // namespace tessera
