#pragma once

#include <tessera/core/ops/pool.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// The largest number of every window: [N, H, W, C] -> [N, H', W', C]; no parameters.
class MaxPool2D : public Layer {
 public:
  explicit MaxPool2D(MaxPoolOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, options_); }
  /// The same, and where each number stood, for MaxUnpool2D.
  PooledWithIndices with_indices(const Tensor& x) {
    const ModuleCall call(*this);
    return max_pool2d_with_indices(x, options_);
  }

 private:
  MaxPoolOptions options_;
};

/// Puts pooled numbers back where MaxPool2D::with_indices took them, zeros elsewhere (SegNet's upsampling).
class MaxUnpool2D : public Module {
 public:
  /// x and indices [N, H, W, C] -> [N, size.height, size.width, C]
  Tensor operator()(const Tensor& x, const Tensor& indices, Size2D size) {
    const ModuleCall call(*this);
    return max_unpool2d(x, indices, size);
  }
};

/// The mean of every window: [N, H, W, C] -> [N, H', W', C]; no parameters.
class AvgPool2D : public Layer {
 public:
  explicit AvgPool2D(AvgPoolOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, options_); }

 private:
  AvgPoolOptions options_;
};

/// The mean of every channel: [N, H, W, C] -> [N, C].
class GlobalAvgPool2D : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return global_avg_pool2d(x); }
};

/// The largest number of every channel: [N, H, W, C] -> [N, C].
class GlobalMaxPool2D : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return global_max_pool2d(x); }
};

}  // namespace tessera
