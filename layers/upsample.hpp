#pragma once

#include <tessera/core/ops/upsample.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// Makes images larger by repeating or blending pixels: [N, H, W, C] -> [N, H', W', C]; no parameters.
class Upsample : public Layer {
 public:
  explicit Upsample(UpsampleOptions options = {}) : options_(options) {}
  Tensor forward(const Tensor& x) override { return upsample(x, options_); }
  /// To this height and width, whatever the options say.
  Tensor forward(const Tensor& x, Size2D output_size) {
    UpsampleOptions options = options_;
    options.output_size = output_size;
    return upsample(x, options);
  }

  using Layer::operator();
  Tensor operator()(const Tensor& x, Size2D output_size) {
    const ModuleCall call(*this);
    return forward(x, output_size);
  }

 private:
  UpsampleOptions options_;
};

}  // namespace tessera
