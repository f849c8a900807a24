#pragma once

#include <algorithm>
#include <cmath>
#include <tessera/core/tensor.hpp>

namespace tessera::test {

/// The largest |a - b| of two tensors; infinity where shapes differ or either holds a NaN.
inline double max_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const Tensor x = a.detach().to(f64), y = b.detach().to(f64);
  double worst = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double difference = std::abs(x.data<double>()[i] - y.data<double>()[i]);
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
  }
  return worst;
}

inline bool equal(const Tensor& a, const Tensor& b) { return max_difference(a, b) == 0; }

}  // namespace tessera::test
