#pragma once

#include <cstdint>

namespace tessera::kernels {

/// What a softmax works on: an array seen as [outer, classes, inner].
struct SoftmaxGeometry {
  std::int64_t outer = 1;
  std::int64_t classes = 1;
  std::int64_t inner = 1;
};

/// y = exp(x - max) / sum exp(x - max) over the classes; with `log` its logarithm, x - max - log sum exp(x - max).
template <class T>
void softmax(const SoftmaxGeometry& geometry, const T* x, T* y, bool log);

/// grad_x = y (g - sum g y) for y = softmax(x); with `log` g - exp(y) sum g for y = log_softmax(x).
template <class T>
void softmax_backward(const SoftmaxGeometry& geometry, const T* y, const T* grad_y, T* grad_x, bool log);

}  // namespace tessera::kernels
