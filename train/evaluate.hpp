#pragma once

#include <functional>
#include <string>
#include <tessera/data/loader.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/boundary.hpp>
#include <tessera/train/inference.hpp>
#include <tessera/train/metrics.hpp>

namespace tessera {

/// What a network makes of one image; measures are empty where its truth does not define one.
struct ImageScores {
  std::string name;
  std::int64_t index = 0;  ///< in the data set
  std::optional<double> pixel_accuracy;
  std::optional<double> mean_iou;  ///< over the classes in its truth or its prediction
};

/// What a network makes of a whole data set.
struct Evaluation {
  std::int64_t images = 0;
  double loss = 0;            ///< mean over all pixels that count
  ConfusionMatrix confusion;  ///< of all pixels of all images together
  BoundaryScores boundary;
  std::vector<ImageScores> per_image{};  ///< in the data set's order
  std::vector<SkippedSample> skipped{};  ///< left out, where the loader leaves out what cannot be read
  double boundary_tolerance = default_boundary_tolerance;

  /// The mean over images of each image's own mean IoU: not the mean IoU, in which every pixel counts the same.
  std::optional<double> per_image_mean_iou() const;
  /// Classes that are neither in the truth nor predicted, which no mean over classes counts.
  std::vector<std::size_t> absent_classes() const;
};

struct EvaluationOptions {
  double boundary_tolerance = default_boundary_tolerance;  ///< share of an image's diagonal
  InferenceOptions inference{};
  std::function<void()> measured{};  ///< called after each image
};

/// Predicts every batch of an epoch of `loader` and compares; trains nothing. Pixels of the ignored label do not count.
/// The loader must not shuffle; images of several sizes belong in batches of one. Where images are predicted in tiles,
/// the losses of regions (dice, jaccard) are those of the rows that Inference::score_rows gives at a time.
Evaluation evaluate(SegmentationModel& model, Loader& loader, const LabelLoss& loss,
                    const EvaluationOptions& options = {});

/// The class's name, or "class 3" where it has none.
std::string class_name(const Labels& labels, std::size_t index);

/// A table of the measures, a line a class, and a line for each measure of the whole.
std::string to_text(const Evaluation& evaluation, const Labels& labels);

/// The confusion matrix in percent of each class's true pixels, and the most frequent confusions.
std::string to_text(const ConfusionMatrix& confusion, const Labels& labels);

}  // namespace tessera
