#pragma once

#include <functional>
#include <tessera/core/random.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Gives a parameter its first values, taking random numbers from `stream` (element i of the parameter from number i).
using Initializer = std::function<void(Tensor& parameter, const RandomStream& stream)>;

}  // namespace tessera
