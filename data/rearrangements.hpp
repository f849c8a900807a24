#pragma once

#include <tessera/core/conv_geometry.hpp>
#include <tessera/data/augmentation.hpp>

namespace tessera {

// Transforms that give every pixel another place and none another value.

/// Mirrors half of the samples.
Transform flip_horizontal();
Transform flip_vertical();
/// Turns by 0, 90, 180 or 270 degrees; height and width of an image that is not square are exchanged half of the time.
Transform quarter_turn();
/// Cuts out a window of this size at a random place; an image that is too small is padded below and on the right.
Transform random_crop(Size2D size);

}  // namespace tessera
