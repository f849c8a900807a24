#pragma once

#include <tessera/models/segmentation_model.hpp>
#include <tessera/models/stages.hpp>
#include <vector>

namespace tessera {

struct FCNOptions {
  std::int64_t in_channels = 3;  ///< channels of the images
  std::int64_t classes = 0;      ///< scores a pixel; required
  std::int64_t width = 64;       ///< channels of every encoder stage
};

/// FCN-Basic of the SegNet paper (Badrinarayanan et al. 2017): scores are upsampled, not features; 0.65 M weights for
/// 11 classes.
///
///     encoder1 -- skip1 ------------------------- + - scores
///        encoder2 -- skip2 ---------------- + - up1      encoder: conv7x7, BN, ReLU; down: 2x2 max-pool
///           encoder3 -- skip3 ------- + - up2            skip, bottom: conv1x1 to `classes` channels
///              encoder4 -- skip4  + - up3                up: convT8x8 s2, bilinear at first, learned
///                     bottom - up4
///
/// [N, H, W, in_channels] -> [N, H, W, classes]; any H and W of at least 16 (ShapeError): upsampling takes the skip's
/// size.
class FCN : public SegmentationModel {
 public:
  explicit FCN(const FCNOptions& options);
  Tensor forward(const Tensor& image) override;

 private:
  std::vector<ConvBlock> encoders_;
  std::vector<Conv2D> skips_;
  std::vector<Conv2DTranspose> ups_;
  Conv2D bottom_;
};

}  // namespace tessera
