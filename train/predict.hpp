#pragma once

#include <filesystem>
#include <memory>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/inference.hpp>

namespace tessera {

/// The options with the size that the checkpoint was trained on as `default_tile`.
InferenceOptions with_training_size(InferenceOptions options, const Checkpoint& checkpoint);

/// What a network makes of an image.
struct Prediction {
  Tensor classes;        ///< of every pixel: [H, W], i32
  Tensor probabilities;  ///< [H, W, classes] where they were asked for
};

/// A network with all that a checkpoint says of how images become its input.
class Predictor {
 public:
  explicit Predictor(const Checkpoint& checkpoint, const InferenceOptions& options = {});

  const Labels& labels() const { return labels_; }
  SegmentationModel& model() { return *model_; }
  Inference& inference() { return inference_; }

  /// Reads an image as f32 [H, W, C] of 0 to 1 with as many channels as the network takes. IoError names the file.
  Tensor read(const std::filesystem::path& path) const;
  /// Predicts an image [H, W, C] of 0 to 1. Without probabilities memory grows little with its size.
  Prediction predict(const Tensor& image, bool probabilities);
  /// The class of every pixel: image [H, W, C] of 0 to 1 -> [H, W], i32.
  Tensor operator()(const Tensor& image) { return predict(image, false).classes; }

 private:
  std::unique_ptr<SegmentationModel> model_;
  std::int64_t channels_;
  Labels labels_;
  Standardization standardization_;
  Inference inference_;
};

}  // namespace tessera
