#pragma once

#include <tessera/core/ops/softmax.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// y = exp(x) / sum of exp(x) over one axis, the channels unless told otherwise.
class Softmax : public Layer {
 public:
  explicit Softmax(std::int64_t axis = -1) : axis_(axis) {}
  Tensor forward(const Tensor& x) override { return softmax(x, axis_); }

 private:
  std::int64_t axis_;
};

}  // namespace tessera
