#pragma once

#include <tessera/core/error.hpp>
#include <tessera/core/ops/permute.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// Moves blocks of channels to the image plane (sub-pixel upsampling): [N, H, W, b b C] -> [N, H b, W b, C].
class DepthToSpace : public Layer {
 public:
  explicit DepthToSpace(std::int64_t block_size) : block_size_(block_size) {
    if (block_size < 1) raise<ValueError>("DepthToSpace", "block_size must be 1 or more, got {}", block_size);
  }
  Tensor forward(const Tensor& x) override { return depth_to_space(x, block_size_); }

 private:
  std::int64_t block_size_;
};

}  // namespace tessera
