#pragma once

#include <string>
#include <tessera/data/loader.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/metrics.hpp>

namespace tessera {

/// What a network makes of a whole data set.
struct Evaluation {
  std::int64_t images = 0;
  double loss = 0;  ///< mean over all pixels that count
  ConfusionMatrix confusion;
};

/// Predicts every batch of an epoch of `loader` and compares; trains nothing. Pixels of the ignored label do not count.
Evaluation evaluate(SegmentationModel& model, Loader& loader, const LabelLoss& loss);

/// The class's name, or "class 3" where it has none.
std::string class_name(const Labels& labels, std::size_t index);

/// A table of the measures, a line a class, and a line for the whole.
std::string to_text(const Evaluation& evaluation, const Labels& labels);

}  // namespace tessera
