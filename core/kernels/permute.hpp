#pragma once

#include <cstdint>
#include <span>

namespace tessera::kernels {

/// Reads `in` at any strides into a contiguous `out`: axis a of the output has sizes[a] elements, which lie strides[a]
/// elements apart in the input. Axes must have been merged where they can be, and there must be two or more.
template <class T>
void gather_strided(const T* in, T* out, std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides);

}  // namespace tessera::kernels
