#pragma once

#include <tessera/models/segmentation_model.hpp>
#include <tessera/models/stages.hpp>

namespace tessera {

struct TinySegNetOptions {
  std::int64_t in_channels = 3;  ///< channels of the images
  std::int64_t classes = 0;      ///< scores a pixel; required
};

/// The smallest useful encoder-decoder: 46,852 weights for 4 classes, learned upsampling, no skips.
///
///     conv3x3 16 BN ReLU pool - conv3x3 32 BN ReLU pool - conv3x3 64 BN ReLU
///                                        convT3x3 s2 32 ReLU - convT3x3 s2 16 ReLU - conv1x1 classes
///
/// [N, H, W, in_channels] -> [N, H, W, classes]; H and W must divide by 4: ShapeError names the nearest size.
class TinySegNet : public SegmentationModel {
 public:
  explicit TinySegNet(const TinySegNetOptions& options);
  Tensor forward(const Tensor& image) override;

 private:
  ConvBlock down1_, down2_, down3_;
  Conv2DTranspose up1_, up2_;
  Conv2D head_;
};

}  // namespace tessera
