#pragma once

#include <tessera/layers/sequential.hpp>
#include <tessera/models/segmentation_model.hpp>

namespace tessera {

struct ERFNetOptions {
  std::int64_t in_channels = 3;  ///< channels of the images
  std::int64_t classes = 0;      ///< scores a pixel; required
  double early_dropout = 0.03;   ///< of the encoder's blocks at a quarter of the size
  double late_dropout = 0.3;     ///< of those at an eighth
};

/// ERFNet (Romera et al. 2018): factorised residual blocks between strided and transposed convolutions; 2.06 M weights.
///
///     encoder: down 16 - down 64 - 5 blocks - down 128 - 2 x 4 blocks, dilated by 2, 4, 8, 16
///     decoder: up 64 - 2 blocks - up 16 - 2 blocks - convT2x2 s2 classes
///     down:  conv3x3 s2 beside a 2x2 max-pool, BN, ReLU        up:  convT3x3 s2, BN, ReLU
///     block: x + (conv3x1 ReLU - conv1x3 BN ReLU - conv3x1 ReLU - conv1x3 BN - dropout), ReLU
///
/// [N, H, W, in_channels] -> [N, H, W, classes]; H and W must divide by 8: ShapeError names the nearest size.
class ERFNet : public SegmentationModel {
 public:
  explicit ERFNet(const ERFNetOptions& options);
  Tensor forward(const Tensor& image) override;

 private:
  Sequential encoder_, decoder_;
};

}  // namespace tessera
