#pragma once

#include <cstdint>
#include <optional>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/tiling.hpp>

namespace tessera {

/// Mirror images whose class probabilities are averaged with those of the image itself.
enum class Flips : std::uint8_t {
  none,
  horizontal,  ///< left to right: two passes
  all,         ///< left to right, top to bottom, and both: four passes
};

/// How images of any size are put through a network.
struct InferenceOptions {
  Flips flips = Flips::none;
  Size2D tile{};              ///< 0: whole where that takes no more than `memory`, else `default_tile`
  Size2D default_tile = 256;  ///< best the size trained on
  double overlap = 0.5;       ///< of neighbouring tiles, as a share of one
  std::int64_t memory = std::int64_t{2} << 30;  ///< bytes that a pass over whole images may take, as estimated
};

/// Scores of images [N, H, W, C] of any size, in evaluation mode and without gradients: [N, H, W, classes].
///
/// Images are padded at the bottom and the right with zeros, the mean of normalised images, to a size the model takes;
/// the scores there are cut off.
Tensor class_scores(SegmentationModel& model, const Tensor& images);

/// Bytes of memory that class_scores takes for an image, estimated: what is alive at once in a traced pass over a
/// small one, by the pixel. A function of the network and the size alone.
std::int64_t inference_memory(SegmentationModel& model, Size2D image);

/// The class of the highest score, the lowest such class at a tie: [..., classes] -> [...], i32.
Tensor best_classes(const Tensor& scores);

/// Puts images through a network: whole or in tiles, with or without their mirror images (of each tile where there are
/// tiles).
class Inference {
 public:
  /// `model` must outlive it. ValueError for an overlap beyond 0 to 0.75.
  explicit Inference(SegmentationModel& model, InferenceOptions options = {});

  /// Scores [N, H, W, classes] whose softmax is the probability of each class: for a whole image without flips the
  /// network's own, else the logarithms of averaged probabilities.
  Tensor scores(const Tensor& images);
  /// The same a few rows at a time, from top to bottom: all at once where images are predicted whole, else so much as a
  /// row of tiles completes, so that images of any size take no more memory than that beside themselves.
  void score_rows(const Tensor& images, const UseRows& use);
  /// The class of every pixel: [N, H, W], i32.
  Tensor classes(const Tensor& images);
  /// The tiles that `images` images of this size are cut into; none where they are predicted whole.
  std::optional<Size2D> tiles_of(Size2D image, std::int64_t images = 1);

 private:
  Tensor probabilities(const Tensor& images);

  SegmentationModel* model_;
  InferenceOptions options_;
  double bytes_per_pixel_ = 0;  ///< 0 until it was asked for
};

}  // namespace tessera
