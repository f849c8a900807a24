#pragma once

#include <string>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/models/stages.hpp>
#include <vector>

namespace tessera {

struct UNetOptions {
  std::int64_t in_channels = 3;         ///< channels of the images
  std::int64_t classes = 0;             ///< scores a pixel; required
  std::int64_t base_width = 16;         ///< channels of the first level; doubled at each one below
  std::int64_t depth = 3;               ///< how often the image is halved
  std::string normalization = "batch";  ///< "batch", "group" (8 groups, or as many as divide the channels) or "none"
};

/// U-Net (Ronneberger et al. 2015), padded so that it keeps the image's size; 0.48 M weights by default.
///
///     encoder1 ------------------------------ decoder1 - conv1x1 classes
///        encoder2 ----------------- decoder2             encoder, bottom, decoder: twice conv3x3, norm, ReLU
///           encoder3 ---- decoder3                       down: 2x2 max-pool; up: convT2x2 s2, put beside the skip
///                   bottom
///
/// [N, H, W, in_channels] -> [N, H, W, classes]; any H and W of at least 2^depth (ShapeError): upsampling takes the
/// skip's size.
class UNet : public SegmentationModel {
 public:
  explicit UNet(const UNetOptions& options);
  Tensor forward(const Tensor& image) override;

 private:
  class DoubleConv : public Layer {
   public:
    DoubleConv(std::int64_t in_channels, std::int64_t filters, const std::string& normalization, std::int64_t pool = 1);
    Tensor forward(const Tensor& x) override { return second_(first_(x)); }
    ConvBlock::Pooled with_unpooled(std::vector<Tensor> parts);

   private:
    ConvBlock first_, second_;
  };

  std::vector<DoubleConv> encoders_, decoders_;  // from the image's size down
  std::vector<Conv2DTranspose> ups_;
  DoubleConv bottom_;
  Conv2D head_;
};

}  // namespace tessera
