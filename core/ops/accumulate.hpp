#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// sum += addend for float tensors of one shape and type: in place where nobody else sees `sum`, else into a new
/// tensor.
void accumulate(Tensor& sum, const Tensor& addend);

}  // namespace tessera
