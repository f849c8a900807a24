#include <tessera/models/stages.hpp>

namespace tessera {

ConvBlock conv_stage(const ConvStageOptions& options) {
  return ConvBlock({.convolution = Conv2DOptions{.in_channels = options.in_channels,
                                                 .filters = options.filters,
                                                 .kernel_size = options.kernel_size,
                                                 .padding = options.kernel_size / 2,
                                                 .use_bias = options.normalization == normalization::none,
                                                 .kernel_initializer = initializer::he_normal()},
                    .normalization = options.normalization,
                    .activation = activation::relu,
                    .pool = options.pool});
}

Conv2DTranspose double_size(std::int64_t in_channels, std::int64_t filters) {
  return Conv2DTranspose({.in_channels = in_channels,
                          .filters = filters,
                          .kernel_size = 3,
                          .strides = 2,
                          .padding = 1,
                          .output_padding = 1,
                          .activation = activation::relu});
}

Conv2D pixel_scores(std::int64_t in_channels, std::int64_t classes) {
  return Conv2D({.in_channels = in_channels, .filters = classes, .kernel_size = 1});
}

}  // namespace tessera
