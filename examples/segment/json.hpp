#pragma once

#include <string>
#include <tessera/train/evaluate.hpp>

namespace segment {

/// The evaluation as JSON: images, loss, pixel_accuracy, miou, iou (a list; null for an absent class), class_names and
/// the confusion matrix (rows: truth).
std::string to_json(const tessera::Evaluation& evaluation, const tessera::Labels& labels);

}  // namespace segment
