#pragma once

#include <tessera/layers/module.hpp>

namespace tessera {

/// A module that turns one tensor into another: derive from it, add children, override forward.
class Layer : public Module {
 public:
  /// What the layer computes. Call the layer itself, which knows who runs.
  virtual Tensor forward(const Tensor& x) = 0;

  Tensor operator()(const Tensor& x) {
    const ModuleCall call(*this);
    return forward(x);
  }
};

}  // namespace tessera
