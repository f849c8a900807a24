#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

/// Puts all numbers of an image in one row: [N, ...] -> [N, product of the rest].
class Flatten : public Layer {
 public:
  Tensor forward(const Tensor& x) override {
    std::int64_t length = 1;
    for (std::int64_t axis = 1; axis < x.rank(); ++axis) length *= x.size(axis);
    return x.reshape({x.size(0), length});
  }
};

}  // namespace tessera
