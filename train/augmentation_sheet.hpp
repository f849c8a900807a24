#pragma once

#include <tessera/data/augmentation.hpp>
#include <tessera/data/dataset.hpp>

namespace tessera {

struct AugmentationSheetOptions {
  std::int64_t images = 6;    ///< rows, of images drawn by the seed
  std::int64_t versions = 5;  ///< of each, those of the first epochs, beside the image as it is
  std::uint64_t seed = 0;
  std::span<const float> fill{};  ///< colour of padding
};

/// A picture of what training sees: in each row an image as it is and then augmented, under its mask's colours, u8
/// [H, W, 3].
Tensor augmentation_sheet(const Dataset& data, const Augmentation& augmentation,
                          const AugmentationSheetOptions& options = {});

}  // namespace tessera
