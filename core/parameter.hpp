#pragma once

#include <functional>
#include <map>
#include <string>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// A trainable tensor with the path of its place in the model: all that layers and optimizers have to know of each
/// other.
struct Parameter {
  std::string path;  ///< such as "down.conv.kernel"
  Tensor tensor;     ///< a leaf; a handle to the layer's own
  std::function<void(Tensor&)> constraint =
      nullptr;  ///< puts the numbers back where they must lie, in place; may be empty
};

/// What is saved of a module, an optimizer or a schedule: tensors by name, sorted.
using StateDict = std::map<std::string, Tensor>;

}  // namespace tessera
