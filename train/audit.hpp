#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tessera {

/// How often a value stands in masks.
struct MaskValue {
  std::int64_t pixels = 0;
  std::int64_t masks = 0;
};

/// What the folders `images` and `masks` of one part of a data set hold.
struct PartAudit {
  std::filesystem::path folder;
  std::int64_t pairs = 0;
  std::vector<std::string> images_without_mask;
  std::vector<std::string> masks_without_image;
  std::map<std::array<std::int64_t, 3>, std::int64_t> sizes;  ///< images by height, width and channels
  std::map<std::int32_t, MaskValue> values;
  std::vector<std::string> problems;  ///< files that cannot be used, and why
};

/// Reads every pair of a part, on all threads; what is wrong with a file is noted, not thrown. IoError where a folder
/// is missing.
PartAudit audit_part(const std::filesystem::path& folder);

/// What the values in the masks suggest.
struct MaskAdvice {
  std::int64_t classes = 0;
  std::int32_t ignore_index = -1;  ///< negative: none
  std::vector<std::string> remarks;
};
MaskAdvice advise(const std::map<std::int32_t, MaskValue>& values);

/// The audit as a person reads it.
std::string to_text(const PartAudit& audit);

}  // namespace tessera
