#pragma once

#include <span>
#include <tessera/core/tensor.hpp>

/// How a camera was held, as Exif (JEITA CP-3451) says it.
namespace tessera::image_codec {

/// The orientation, 1 to 8, that an APP1 marker's bytes give; 1, upright, where they give none.
int exif_orientation(std::span<const std::uint8_t> marker);

/// Pixels [H, W, C], u8, turned and mirrored to stand upright.
Tensor upright(const Tensor& pixels, int orientation);

}  // namespace tessera::image_codec
