#pragma once

#include <cstdint>
#include <optional>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

enum class Interpolation : std::uint8_t { nearest, bilinear };
inline constexpr Interpolation nearest = Interpolation::nearest;
inline constexpr Interpolation bilinear = Interpolation::bilinear;

/// Options of upsample.
struct UpsampleOptions {
  Size2D size = 2;                                   ///< how many times higher and wider, as Keras' UpSampling2D
  std::optional<Size2D> output_size = std::nullopt;  ///< this height and width instead; may be smaller too
  Interpolation interpolation = nearest;
  bool align_corners = false;  ///< bilinear: corner pixels meet, instead of the images' borders
};

/// Makes an image larger or smaller: every output pixel takes the nearest input pixel, or blends the four around it.
///
/// x [N, H, W, C] -> [N, H', W', C]. Source of output i: nearest floor(i n / m); bilinear (i + 0.5) n / m - 0.5, or
/// i (n - 1) / (m - 1) with align_corners; equal to PyTorch's interpolate. Without antialiasing.
Tensor upsample(const Tensor& x, const UpsampleOptions& options = {});

}  // namespace tessera
