#pragma once

#include <cstdint>

namespace tessera::kernels {

/// y[i] = e^x[i] for i below `count`, on the calling thread; y may be x.
template <class T>
void exp_all(const T* x, T* y, std::int64_t count);

/// y[i] = log(x[i]) for positive x[i], NaN for NaN; y may be x.
template <class T>
void log_all(const T* x, T* y, std::int64_t count);

}  // namespace tessera::kernels
