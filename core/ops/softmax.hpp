#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// y = exp(x) / sum of exp(x) over one axis; no overflow for any finite x. Same shape as x. ShapeError
/// for an axis that x lacks.
Tensor softmax(const Tensor& x, std::int64_t axis = -1);

/// y = x - log sum of exp(x) over one axis: the logarithm of softmax without its rounding. Otherwise as softmax.
Tensor log_softmax(const Tensor& x, std::int64_t axis = -1);

}  // namespace tessera
