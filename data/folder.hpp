#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <tessera/data/mask_values.hpp>
#include <vector>

namespace tessera {

struct FolderOptions {
  std::int64_t classes = 0;              ///< 0: found by reading all masks of the split
  std::int32_t ignore_index = no_label;  ///< mask value of pixels that do not count
  std::int64_t channels = 0;             ///< 0: as channels_of finds them
  std::vector<std::string> names{};      ///< of the classes
  MaskEncoding encoding{};               ///< of the masks; where it has values, it says what is ignored, too
  bool trained = false;                  ///< the classes are a network's: no error suggests another number of them
  /// How the classes are found, where that should be shown or remembered; count_mask_values by default.
  std::function<MaskValues(const std::vector<std::filesystem::path>& masks)> count_values{};
};

/// Pairs DIR/SPLIT/images/STEM.* and DIR/SPLIT/masks/STEM.*, sorted by stem, read when asked for.
///
/// Where DIR holds images/ and masks/ itself, they are all of an empty SPLIT; "val" is a fifth of them, picked by their
/// stems so that it is the same ones every time and mostly when images are added, and "train" the others.
///
/// Where the classes have to be found and the masks hold 0 and 255 alone, these are the classes 0 and 1; where the
/// values begin with 1, that is class 0. IoError names the file: an image without a mask or the reverse; MisfitError:
/// sizes that differ, mask values beyond the classes, channels that cannot be converted without loss.
class FolderDataset final : public Dataset {
 public:
  FolderDataset(const std::filesystem::path& folder, const std::string& split, FolderOptions options = {});

  std::int64_t size() const override { return static_cast<std::int64_t>(pairs_.size()); }
  std::int64_t channels() const override { return channels_; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override;
  Tensor mask(std::int64_t index) const override;

  struct Pair {
    std::string stem;
    std::filesystem::path image, mask;
  };
  const std::vector<Pair>& pairs() const { return pairs_; }

 private:
  std::vector<Pair> pairs_;
  std::int64_t channels_ = 0;
  Labels labels_;
  bool trained_ = false;
};

/// Whether a folder holds images/ and masks/ itself, and no part train/ or val/.
bool is_plain(const std::filesystem::path& folder);

/// How a folder of images and masks is laid out, for messages: "cells/{train,val}/{images,masks}, or ...".
std::string expected_layout(const std::filesystem::path& folder);

/// The image files of a folder, sorted bytewise by stem. IoError where there is no such folder.
std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder);
/// The same; IoError where a stem stands twice, too.
std::vector<std::filesystem::path> image_files(const std::filesystem::path& folder);

/// The channels that all of these images can have, by their headers: colour where one is in colour, since grey becomes
/// colour without loss, and alpha where the first has it. IoError where none can be read.
std::int64_t channels_of(const std::vector<std::filesystem::path>& images);

/// An image read as f32 from 0 to 1, [H, W, channels]; 0 takes the channels as they are. IoError names the file.
Tensor read_picture(const std::filesystem::path& path, std::int64_t channels = 0);

}  // namespace tessera
