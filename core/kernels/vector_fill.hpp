#pragma once

#include <cstdint>
#include <tessera/core/kernels/dispatch.hpp>

namespace tessera::kernels {

/// Numbers of the vectors that run over so many channels, or tiles.
template <class T>
std::int64_t lanes_for(std::int64_t count) {
  return (has_wide_vectors() && !are_narrow<T>(count) ? 64 : 32) / static_cast<std::int64_t>(sizeof(T));
}

/// Rounded up to whole vectors.
inline double padded(std::int64_t count, std::int64_t lanes) {
  const std::int64_t vectors = (count + lanes - 1) / lanes;
  return static_cast<double>(vectors * lanes);
}

/// How much of its vectors so many channels or tiles fill.
template <class T>
double filled(std::int64_t count) {
  return static_cast<double>(count) / padded(count, lanes_for<T>(count));
}

}  // namespace tessera::kernels
