#pragma once

#include <cstdint>
#include <tessera/core/random.hpp>

namespace tessera::kernels {

/// y[i] = keep(i) ? x[i] / (1 - rate) : 0, where keep(i) is drawn from element i of `random` with probability 1 - rate.
template <class T>
void dropout(const RandomStream& random, double rate, std::int64_t count, const T* x, T* y);

/// The same for whole channels: element n C + c of `random` decides for all pixels of channel c in image n.
template <class T>
void dropout_channels(const RandomStream& random, double rate, std::int64_t images, std::int64_t pixels,
                      std::int64_t channels, const T* x, T* y);

}  // namespace tessera::kernels
