#include <algorithm>
#include <cmath>
#include <tessera/core/kernels/softmax.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {
namespace {

/// One element's classes, `stride` apart. Rows of the last axis have stride 1, a constant the compiler sees.
template <class T, class Stride>
void softmax_row(const T* x, T* y, std::int64_t classes, Stride stride, bool log) {
  T largest = x[0];
  for (std::int64_t k = 1; k < classes; ++k) largest = std::max(largest, x[k * stride]);
  T sum = 0;
  for (std::int64_t k = 0; k < classes; ++k) {
    const T shifted = x[k * stride] - largest, power = std::exp(shifted);
    sum += power;
    y[k * stride] = log ? shifted : power;
  }
  const T scale = 1 / sum, offset = std::log(sum);
  for (std::int64_t k = 0; k < classes; ++k) y[k * stride] = log ? y[k * stride] - offset : y[k * stride] * scale;
}

template <class T, class Stride>
void softmax_row_backward(const T* y, const T* grad_y, T* grad_x, std::int64_t classes, Stride stride, bool log) {
  T sum = 0;
  for (std::int64_t k = 0; k < classes; ++k) sum += log ? grad_y[k * stride] : grad_y[k * stride] * y[k * stride];
  for (std::int64_t k = 0; k < classes; ++k) {
    const std::int64_t at = k * stride;
    grad_x[at] = log ? grad_y[at] - std::exp(y[at]) * sum : y[at] * (grad_y[at] - sum);
  }
}

/// Calls body(offset of an element's first class, stride) for every element.
template <class Body>
void for_each_row(const SoftmaxGeometry& geometry, Body body) {
  const auto [outer, classes, inner] = geometry;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / 4 / classes);
  if (inner == 1) {
    using One = std::integral_constant<std::int64_t, 1>;
    parallel_ranges(outer, grain, [=, classes = classes](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) body(row * classes, One{});
    });
    return;
  }
  parallel_ranges(outer * inner, grain, [=, classes = classes, inner = inner](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; ++at) body(at / inner * classes * inner + at % inner, inner);
  });
}

}  // namespace

template <class T>
void softmax(const SoftmaxGeometry& geometry, const T* x, T* y, bool log) {
  for_each_row(geometry, [=, classes = geometry.classes](std::int64_t first, auto stride) {
    softmax_row(x + first, y + first, classes, stride, log);
  });
}

template <class T>
void softmax_backward(const SoftmaxGeometry& geometry, const T* y, const T* grad_y, T* grad_x, bool log) {
  for_each_row(geometry, [=, classes = geometry.classes](std::int64_t first, auto stride) {
    softmax_row_backward(y + first, grad_y + first, grad_x + first, classes, stride, log);
  });
}

template void softmax(const SoftmaxGeometry&, const float*, float*, bool);
template void softmax(const SoftmaxGeometry&, const double*, double*, bool);
template void softmax_backward(const SoftmaxGeometry&, const float*, const float*, float*, bool);
template void softmax_backward(const SoftmaxGeometry&, const double*, const double*, double*, bool);

}  // namespace tessera::kernels
