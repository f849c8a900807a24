#pragma once

#include <tessera/layers/conv_block.hpp>

namespace tessera {

struct ConvStageOptions {
  std::int64_t in_channels = 0;
  std::int64_t filters = 0;
  std::int64_t kernel_size = 3;  ///< odd
  Normalization normalization = normalization::batch;
  std::int64_t pool = 1;
};

/// A convolution that keeps the image's size, normalisation, ReLU and max-pooling: what encoders are made of.
///
/// Drawn by he_normal, as fits ReLU; no bias where a normalisation follows, which would take it away.
ConvBlock conv_stage(const ConvStageOptions& options);

/// Learned upsampling to exactly twice the size, and ReLU: a transposed 3x3 convolution, stride 2.
Conv2DTranspose double_size(std::int64_t in_channels, std::int64_t filters);

/// A 1x1 convolution: a score for every class from the features of each pixel.
Conv2D pixel_scores(std::int64_t in_channels, std::int64_t classes);

}  // namespace tessera
