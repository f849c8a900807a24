#pragma once

#include <cstdint>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {

/// out[i] = f(in[i]...) over arrays that do not overlap, on all threads; a plain loop, so that compilers make vectors
/// of it.
template <class T, class F, class... Ins>
void map(std::int64_t count, T* out, F f, const Ins*... in) {
  const auto loop = [f](std::int64_t size, T* __restrict to, const Ins* __restrict... from) {
    for (std::int64_t i = 0; i < size; ++i) to[i] = f(from[i]...);
  };
  parallel_ranges(count, elementwise_grain,
                  [=](std::int64_t begin, std::int64_t end) { loop(end - begin, out + begin, (in + begin)...); });
}

}  // namespace tessera::kernels
