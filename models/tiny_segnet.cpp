#include <tessera/models/tiny_segnet.hpp>

namespace tessera {

TinySegNet::TinySegNet(const TinySegNetOptions& options)
    : SegmentationModel("TinySegNet", options.in_channels, options.classes, {.multiple = 4, .smallest = 4}),
      down1_(add("down1", conv_stage({.in_channels = options.in_channels, .filters = 16, .pool = 2}))),
      down2_(add("down2", conv_stage({.in_channels = 16, .filters = 32, .pool = 2}))),
      down3_(add("down3", conv_stage({.in_channels = 32, .filters = 64}))),
      up1_(add("up1", double_size(64, 32))),
      up2_(add("up2", double_size(32, 16))),
      head_(add("head", pixel_scores(16, options.classes))) {}

Tensor TinySegNet::forward(const Tensor& image) {
  check_input(image);
  return head_(up2_(up1_(down3_(down2_(down1_(image))))));
}

}  // namespace tessera
