#pragma once

#include <cstdint>
#include <tessera/data/batch.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/data/standardization.hpp>
#include <tessera/train/class_weights.hpp>
#include <vector>

// Passes over images and masks before training. Each shows on standard error how far it is, and is remembered().
namespace tessera {

/// What reading all samples of a part tells.
struct FirstReading {
  std::vector<SkippedSample> unreadable{};
  ClassPixels pixels{};               ///< of the samples that can be read
  Standardization standardization{};  ///< as measure_standardization gives it
};

/// Reads every sample once. `seed` and `measured` say which images, and how many, the standardization is measured on;
/// 0: none. Errors are those of check_samples.
FirstReading first_reading(const FolderDataset& part, bool strict, std::uint64_t seed, std::int64_t measured);

/// measure_standardization of images of which nothing else is to be known.
Standardization measured_standardization(const Dataset& part, std::uint64_t seed, std::int64_t measured);

}  // namespace tessera
