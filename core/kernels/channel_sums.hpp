#pragma once

#include <cstdint>

namespace tessera::kernels {

/// sums[c] = sum over rows of values[row, c], by chunks of rows whose partial sums are added in order.
template <class T>
void channel_sums(const T* values, std::int64_t rows, std::int64_t channels, T* sums);

/// grad[row, c] = grad_y[row, c] where y[row, c] > 0, else slope times that; sums[c] as in channel_sums, unless it is
/// null. grad may be grad_y.
template <class T>
void rectified_gradient(const T* y, const T* grad_y, T slope, std::int64_t rows, std::int64_t channels, T* grad,
                        T* sums);

}  // namespace tessera::kernels
