#pragma once

#include <cstdint>

namespace tessera::kernels {

/// sums[c] = sum over rows of values[row, c], by chunks of rows whose partial sums are added in order.
template <class T>
void channel_sums(const T* values, std::int64_t rows, std::int64_t channels, T* sums);

}  // namespace tessera::kernels
