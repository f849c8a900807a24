#pragma once

#include <tessera/core/activation.hpp>
#include <tessera/core/ops/batch_norm.hpp>

namespace tessera {

/// Options of norm_block.
struct NormBlockOptions {
  BatchNormOptions norm = {};
  Activation activation = {};  ///< linear, relu or leaky_relu
  bool pool = false;           ///< max-pooling by 2x2
  bool keep_unpooled = false;  ///< also returns what went into the pooling
};

/// What norm_block returns.
struct NormBlockResult {
  Tensor output;    ///< pooled where it pools
  Tensor unpooled;  ///< what went into the pooling; undefined unless it pools and keeps it
};

/// True for the activations that norm_block knows.
bool fits_norm_block(Activation activation);

/// max_pool2d(activate(batch_norm(x))) in one pass forward and two back; saves x alone. Gives batch_norm's very
/// statistics.
///
/// x [N, H, W, C]; gamma, beta, running_mean, running_var [C] as in batch_norm -> [N, H / 2, W / 2, C] where it pools,
/// else [N, H, W, C]. ValueError for another activation, and where batch_norm gives one. An x that is moved in is
/// overwritten if nothing else holds it and nothing is recorded.
NormBlockResult norm_block(Tensor x, const Tensor& gamma, const Tensor& beta, Tensor running_mean, Tensor running_var,
                           const NormBlockOptions& options);

}  // namespace tessera
