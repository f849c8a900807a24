#include <tessera/models/conv_autoencoder.hpp>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/models/stages.hpp>

namespace tessera {
namespace {

Conv2D halve(std::int64_t in_channels, std::int64_t filters) {
  return Conv2D({.in_channels = in_channels,
                 .filters = filters,
                 .kernel_size = 3,
                 .strides = 2,
                 .padding = 1,
                 .activation = activation::relu});
}

}  // namespace

ConvAutoencoder::ConvAutoencoder(const ConvAutoencoderOptions& options)
    : in_channels_(options.in_channels),
      down1_(add("down1", halve(options.in_channels, options.base_width))),
      down2_(add("down2", halve(options.base_width, 2 * options.base_width))),
      code_(add("code",
                Conv2D({.in_channels = 2 * options.base_width, .filters = options.latent_channels, .kernel_size = 1}))),
      up1_(add("up1", double_size(options.latent_channels, 2 * options.base_width))),
      up2_(add("up2", double_size(2 * options.base_width, options.base_width))),
      head_(add("head", Conv2D({.in_channels = options.base_width,
                                .filters = options.in_channels,
                                .kernel_size = 3,
                                .padding = 1,
                                .activation = activation::sigmoid}))) {}

Tensor ConvAutoencoder::encode(const Tensor& image) {
  check_model_input("ConvAutoencoder", image, in_channels_, {.multiple = 4, .smallest = 4});
  return code_(down2_(down1_(image)));
}

Tensor ConvAutoencoder::decode(const Tensor& code) { return head_(up2_(up1_(code))); }

}  // namespace tessera
