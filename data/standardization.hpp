#pragma once

#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// Mean and standard deviation of every channel of images from 0 to 1; empty where images stay as they are.
struct Standardization {
  std::vector<float> mean{};
  std::vector<float> deviation{};
};

/// (image - mean) / deviation for an image [H, W, C]. ShapeError unless there is a mean for every channel.
Tensor standardize(const Tensor& image, const Standardization& standardization);

/// Measures `samples` images drawn without repetition by the seed, or all where there are fewer. One that cannot be
/// read does not count; MisfitError for one that does not fit, IoError where none can be read.
Standardization measure_standardization(const Dataset& dataset, std::uint64_t seed, std::int64_t samples = 256);

}  // namespace tessera
