#pragma once

#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/conv2d_transpose.hpp>

namespace tessera {

struct ConvAutoencoderOptions {
  std::int64_t in_channels = 3;      ///< channels of the images, and of what comes out
  std::int64_t base_width = 16;      ///< channels at half size; twice as many at a quarter
  std::int64_t latent_channels = 8;  ///< numbers kept for every 4x4 pixels
};

/// Squeezes an image through a code of a quarter of its size and draws it again by learned upsampling.
///
///     image [0, 1] - conv3x3 s2 - conv3x3 s2 - conv1x1 = code - convT3x3 s2 - convT3x3 s2 - conv3x3 - sigmoid
///
/// [N, H, W, in_channels] -> the same; H and W must divide by 4 (ShapeError names the nearest size). Trained with the
/// mean squared error against its own input (Hinton and Salakhutdinov 2006).
class ConvAutoencoder : public Layer {
 public:
  explicit ConvAutoencoder(const ConvAutoencoderOptions& options = {});
  Tensor forward(const Tensor& image) override { return decode(encode(image)); }

  /// [N, H, W, in_channels] -> [N, H / 4, W / 4, latent_channels]
  Tensor encode(const Tensor& image);
  /// [N, h, w, latent_channels] -> [N, 4 h, 4 w, in_channels]
  Tensor decode(const Tensor& code);

 private:
  std::int64_t in_channels_;
  Conv2D down1_, down2_, code_;
  Conv2DTranspose up1_, up2_;
  Conv2D head_;
};

}  // namespace tessera
