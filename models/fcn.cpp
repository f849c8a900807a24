#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/models/fcn.hpp>

namespace tessera {
namespace {

constexpr int stages = 4;

/// Bilinear weights that keep the mean: 8x8 tiles two pixels apart overlap four times as often as interpolation needs.
void smooth_upsampling(Tensor& kernel, const RandomStream& stream) {
  initializer::bilinear()(kernel, stream);
  kernel.copy_(kernel.detach() * 0.25);
}

Conv2DTranspose upsampling(std::int64_t classes) {
  return Conv2DTranspose({.in_channels = classes,
                          .filters = classes,
                          .kernel_size = 8,
                          .strides = 2,
                          .padding = 3,
                          .use_bias = false,
                          .kernel_initializer = smooth_upsampling});
}

}  // namespace

FCN::FCN(const FCNOptions& options)
    : SegmentationModel("FCN", options.in_channels, options.classes, {.multiple = 1, .smallest = 16}),
      bottom_(add("bottom", pixel_scores(options.width, options.classes))) {
  for (int stage = 1; stage <= stages; ++stage) {
    encoders_.push_back(add(fmt::format("encoder{}", stage),
                            conv_stage({.in_channels = stage == 1 ? options.in_channels : options.width,
                                        .filters = options.width,
                                        .kernel_size = 7,
                                        .pool = 2})));
    skips_.push_back(add(fmt::format("skip{}", stage), pixel_scores(options.width, options.classes)));
    ups_.push_back(add(fmt::format("up{}", stage), upsampling(options.classes)));
  }
}

Tensor FCN::forward(const Tensor& image) {
  check_input(image);
  std::vector<Tensor> skips;
  Tensor x = image;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const auto [output, unpooled] = encoders_[stage].with_unpooled({x});
    skips.push_back(skips_[stage](unpooled));
    x = output;
  }
  x = bottom_(x);
  for (std::size_t stage = stages; stage-- > 0;) x = ups_[stage](x, image_size(skips[stage])) + skips[stage];
  return x;
}

}  // namespace tessera
