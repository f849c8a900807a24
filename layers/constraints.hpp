#pragma once

#include <functional>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Changes a parameter in place so that it satisfies a condition, such as a largest norm; empty where there is none.
using Constraint = std::function<void(Tensor& parameter)>;

}  // namespace tessera
