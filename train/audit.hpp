#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <tessera/data/folder.hpp>
#include <tessera/train/class_weights.hpp>
#include <tessera/train/mask_advice.hpp>
#include <vector>

namespace tessera {

/// What the folders `images` and `masks` of one part of a data set hold.
struct PartAudit {
  std::filesystem::path folder;
  std::int64_t pairs = 0;
  std::vector<FolderDataset::Pair> usable{};  ///< those that nothing is wrong with
  std::vector<std::string> images_without_mask{};
  std::vector<std::string> masks_without_image{};
  std::map<std::array<std::int64_t, 3>, std::int64_t> sizes{};  ///< images by height, width and channels
  MaskCounts counts{};                                          ///< of all masks
  std::vector<std::map<std::int32_t, std::int64_t>> masks{};    ///< pixels of each value, mask by mask
  std::vector<std::string> empty_masks{};  ///< names of those that hold class 0 alone, or nothing that counts
  std::vector<std::string> problems{};     ///< files that cannot be used, and why
  std::vector<std::string> passed_over{};  ///< names in images/ and masks/ that are no image files
};

/// What a folder for training holds: its parts train/ and val/, or the folder itself as the only part.
struct FolderAudit {
  std::vector<PartAudit> parts{};
  std::vector<std::string> problems{};  ///< of the folder as a whole, such as a part that is not there
  MaskCounts counts{};                  ///< of all parts
  bool by_colors = false;               ///< masks were read by a colour map
  MaskAdvice advice{};
  std::vector<std::string> names{};  ///< of the classes, where a colour map gives them
  ClassPixels class_pixels{};        ///< of the first part, by the advice; empty where there is none
  bool sound() const;                ///< training, with the options of the advice, takes all of it
  bool empty() const;                ///< there is nothing that can be used
};

struct AuditOptions {
  std::filesystem::path color_map{};          ///< the file that names and encoding are from
  std::vector<std::string> names{};           ///< of a colour map
  MaskEncoding encoding{};                    ///< masks are read by it; their values are then labels
  std::function<void(std::int64_t)> begin{};  ///< called with the number of pairs of a part before they are read
  std::function<void()> advance{};            ///< called after each, from any thread
};

/// Reads every pair, on all threads; what is wrong with a file is noted, not thrown. IoError where a folder is missing.
FolderAudit audit_folder(const std::filesystem::path& folder, const AuditOptions& options = {});

/// The audit as a person reads it.
std::string to_text(const FolderAudit& audit);

/// The same as JSON.
std::string to_json(const FolderAudit& audit);

}  // namespace tessera
