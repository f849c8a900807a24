#pragma once

#include <cstdint>

namespace tessera::kernels {

/// An array as [outer, reduced, inner], of which the middle axis is reduced.
struct Extents {
  std::int64_t outer = 1, reduced = 1, inner = 1;
  std::int64_t kept() const { return outer * inner; }
};

/// out[o, i] = sum of x[o, :, i], added in double in an order that the extents alone decide.
template <class T>
void sum(const T* x, Extents extents, double* out);

/// out[o, i] = sum of (x[o, :, i] - mean[o, i])^2, in double likewise.
template <class T>
void sum_squared_deviations(const T* x, Extents extents, const double* mean, double* out);

enum class Extreme : std::uint8_t { min, max };

/// The least or greatest of x[o, :, i] and the index of the first of them; a NaN beats every number. None are empty.
template <class T>
void find_extreme(Extreme which, const T* x, Extents extents, T* value, std::int32_t* index);

/// grad[o, r, i] = grad_output[o, i] where r is index[o, i], else 0.
template <class T>
void extreme_gradient(const T* grad_output, const std::int32_t* index, Extents extents, T* grad);

}  // namespace tessera::kernels
