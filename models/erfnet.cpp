#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/dropout.hpp>
#include <tessera/models/erfnet.hpp>

namespace tessera {
namespace {

class Downsampler : public Layer {
 public:
  Downsampler(std::int64_t in_channels, std::int64_t filters)
      : conv_(add("conv", Conv2D({.in_channels = in_channels,
                                  .filters = filters - in_channels,
                                  .kernel_size = 3,
                                  .strides = 2,
                                  .padding = 1,
                                  .use_bias = false}))),
        norm_(add("norm", BatchNorm2D({.channels = filters}))) {}
  Tensor forward(const Tensor& x) override { return relu(norm_(concat({conv_(x), max_pool2d(x)}, -1))); }

 private:
  Conv2D conv_;
  BatchNorm2D norm_;
};

ConvBlock upsampler(std::int64_t in_channels, std::int64_t filters) {
  return ConvBlock({.convolution = Conv2DTransposeOptions{.in_channels = in_channels,
                                                          .filters = filters,
                                                          .kernel_size = 3,
                                                          .strides = 2,
                                                          .padding = 1,
                                                          .output_padding = 1,
                                                          .use_bias = false},
                    .normalization = normalization::batch,
                    .activation = activation::relu});
}

/// A 3x1 or 1x3 convolution that keeps the size.
ConvBlock factor(std::int64_t channels, Size2D kernel, std::int64_t dilation, Normalization normalization,
                 Activation activation) {
  const std::int64_t rows = kernel.height / 2 * dilation, columns = kernel.width / 2 * dilation;
  return ConvBlock({.convolution = Conv2DOptions{.in_channels = channels,
                                                 .filters = channels,
                                                 .kernel_size = kernel,
                                                 .padding = Sides{rows, rows, columns, columns},
                                                 .dilation_rate = dilation,
                                                 .use_bias = normalization == normalization::none},
                    .normalization = normalization,
                    .activation = activation});
}

class NonBottleneck1D : public Layer {
 public:
  NonBottleneck1D(std::int64_t channels, std::int64_t dilation, double dropout)
      : vertical1_(add("vertical1", factor(channels, {3, 1}, 1, normalization::none, activation::relu))),
        horizontal1_(add("horizontal1", factor(channels, {1, 3}, 1, normalization::batch, activation::relu))),
        vertical2_(add("vertical2", factor(channels, {3, 1}, dilation, normalization::none, activation::relu))),
        horizontal2_(add("horizontal2", factor(channels, {1, 3}, dilation, normalization::batch, activation::linear))),
        dropout_(add("dropout", Dropout2D({.rate = dropout}))) {}
  Tensor forward(const Tensor& x) override {
    return relu(x + dropout_(horizontal2_(vertical2_(horizontal1_(vertical1_(x))))));
  }

 private:
  ConvBlock vertical1_, horizontal1_, vertical2_, horizontal2_;
  Dropout2D dropout_;
};

}  // namespace

ERFNet::ERFNet(const ERFNetOptions& options)
    : SegmentationModel("ERFNet", options.in_channels, options.classes, {.multiple = 8, .smallest = 8}),
      encoder_(add("encoder", Sequential())),
      decoder_(add("decoder", Sequential())) {
  encoder_.add("down1", Downsampler(options.in_channels, 16));
  encoder_.add("down2", Downsampler(16, 64));
  for (int block = 1; block <= 5; ++block)
    encoder_.add(fmt::format("block{}", block), NonBottleneck1D(64, 1, options.early_dropout));
  encoder_.add("down3", Downsampler(64, 128));
  for (int block = 6; block <= 13; ++block)
    encoder_.add(fmt::format("block{}", block), NonBottleneck1D(128, 2 << (block - 6) % 4, options.late_dropout));
  decoder_.add("up1", upsampler(128, 64));
  decoder_.add("block1", NonBottleneck1D(64, 1, 0));
  decoder_.add("block2", NonBottleneck1D(64, 1, 0));
  decoder_.add("up2", upsampler(64, 16));
  decoder_.add("block3", NonBottleneck1D(16, 1, 0));
  decoder_.add("block4", NonBottleneck1D(16, 1, 0));
  decoder_.add(
      "head",
      Conv2DTranspose({.in_channels = 16, .filters = options.classes, .kernel_size = 2, .strides = 2, .padding = 0}));
}

Tensor ERFNet::forward(const Tensor& image) {
  check_input(image);
  return decoder_(encoder_(image));
}

}  // namespace tessera
