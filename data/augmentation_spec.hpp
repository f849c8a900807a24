#pragma once

#include <string>
#include <string_view>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/data/augmentation.hpp>
#include <vector>

namespace tessera {

/// One transform that a spec can name.
struct AugmentationName {
  std::string name;     ///< "scale"
  std::string example;  ///< "scale=0.75:1.5", or the name alone where it takes no number
  std::string meaning;  ///< what it does, in a few words
};

/// All of them, in the order in which they are applied.
const std::vector<AugmentationName>& augmentation_names();

/// The augmentation that a text such as "flip,scale=0.75:1.5,rotate=10,brightness=0.2" names; none for "none" or "".
///
/// Commas separate transforms of augmentation_names(), in any order; the order in which they are applied is fixed: what
/// moves pixels first, colours after. `crop` is the size of a random window, {} for whole images. ValueError names the
/// part that was not understood, and the nearest transform where one is near.
Augmentation augmentation_from_spec(std::string_view spec, Size2D crop = {});

}  // namespace tessera
