#pragma once

#include <string>
#include <tessera/layers/summary.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/memory_use.hpp>

namespace segment {

/// The evaluation as JSON: the number of images, those left out and why, the loss, a number for each measure of the
/// whole, lists by class (null where a class has none), the confusion matrix (rows: truth) and the scores of every
/// image.
std::string to_json(const tessera::Evaluation& evaluation, const tessera::Labels& labels);

/// The summary as JSON: totals, memory in bytes, and a list of layers; seconds are null where they were not measured.
std::string to_json(const tessera::Summary& summary, const tessera::MemoryUse& memory);

}  // namespace segment
