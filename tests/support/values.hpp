#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tessera/core/random.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera::test {

/// Standard normal numbers; the same seed gives the same ones.
inline Tensor random_tensor(const Shape& shape, std::uint64_t seed = 1, DType dtype = f64) {
  const RandomStream random(seed, stream_of("random_tensor"));
  Tensor x = Tensor::empty(shape, f64);
  double* out = x.mutable_data<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = random.normal(static_cast<std::uint64_t>(i));
  return x.to(dtype);
}

/// Different numbers in a shuffled order, at least 0.1 apart and 0.05 away from 0: no ties and no kinks for gradcheck.
inline Tensor distinct_tensor(const Shape& shape, std::uint64_t seed = 1) {
  const RandomStream random(seed, stream_of("distinct_tensor"));
  Tensor x = Tensor::empty(shape, f64);
  const std::int64_t count = x.numel();
  double* out = x.mutable_data<double>();
  for (std::int64_t i = 0; i < count; ++i) out[i] = 0.1 * static_cast<double>(i - count / 2) + 0.05;
  for (std::int64_t i = count; i > 1; --i) std::swap(out[i - 1], out[random.integer(static_cast<std::uint64_t>(i), i)]);
  return x;
}

/// The elements in row-major order as doubles, whatever the type.
inline std::vector<double> values(const Tensor& x) {
  const Tensor y = x.to(f64);
  return {y.span<double>().begin(), y.span<double>().end()};
}

/// The largest |a - b|; infinity where shapes or types differ or one of the two is not a number.
inline double difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return std::numeric_limits<double>::infinity();
  const std::vector<double> left = values(a), right = values(b);
  double largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double gap = std::abs(left[i] - right[i]);
    if (std::isnan(gap)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, gap);
  }
  return largest;
}

/// True where shapes and numbers are equal, whatever the types.
inline bool same_numbers(const Tensor& a, const Tensor& b) { return difference(a.to(f64), b.to(f64)) == 0; }

}  // namespace tessera::test
