#pragma once

#include <string>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// A sample that could not be read.
struct SkippedSample {
  std::int64_t index = 0;
  std::string reason;  ///< names the file

  bool operator==(const SkippedSample&) const = default;
};

/// Samples of one training step.
struct Batch {
  Tensor images;                         ///< [N, H, W, C], f32; undefined where every sample was left out
  Tensor masks;                          ///< [N, H, W], i32
  std::vector<std::string> names{};      ///< of the N samples
  std::vector<std::int64_t> indices{};   ///< of the N samples in the data set, where a loader made the batch
  std::vector<SkippedSample> skipped{};  ///< left out just now, see LoaderOptions::skip_unreadable
  std::int64_t size() const { return static_cast<std::int64_t>(names.size()); }
};

/// Puts samples side by side, each padded below and on the right to the largest height and width, rounded up to a
/// multiple of `multiple_of`: images with zeros, masks with the ignored label. ShapeError where channels differ.
Batch make_batch(const std::vector<Sample>& samples, std::int64_t multiple_of, std::int32_t ignore_index);

}  // namespace tessera
