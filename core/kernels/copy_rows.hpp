#pragma once

#include <algorithm>
#include <cstdint>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {

/// Copies `rows` rows of `count` elements that lie in_stride and out_stride elements apart.
template <class T>
void copy_rows(const T* in, std::int64_t in_stride, T* out, std::int64_t out_stride, std::int64_t rows,
               std::int64_t count) {
  parallel_ranges(rows, elementwise_grain / std::clamp<std::int64_t>(count, 1, elementwise_grain),
                  [=](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row)
                      std::copy_n(in + row * in_stride, count, out + row * out_stride);
                  });
}

/// out[o, j] = in[o, source[j]], or `value` where source[j] is -1: rows of `inner` elements, `outer` groups of them.
template <class T>
void gather_rows(const T* in, std::int64_t in_rows, T* out, const std::int64_t* source, std::int64_t out_rows,
                 std::int64_t outer, std::int64_t inner, T value) {
  parallel_ranges(outer * out_rows, elementwise_grain / std::clamp<std::int64_t>(inner, 1, elementwise_grain),
                  [=](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                      const std::int64_t from = source[row % out_rows];
                      if (from < 0)
                        std::fill_n(out + row * inner, inner, value);
                      else
                        std::copy_n(in + (row / out_rows * in_rows + from) * inner, inner, out + row * inner);
                    }
                  });
}

/// The gradient of gather_rows: adds row j of every group to row source[j], j ascending.
template <class T>
void scatter_add_rows(const T* grad_out, std::int64_t in_rows, T* grad_in, const std::int64_t* source,
                      std::int64_t out_rows, std::int64_t outer, std::int64_t inner) {
  parallel_for(outer, [=](std::int64_t group) {
    T* to = grad_in + group * in_rows * inner;
    const T* from = grad_out + group * out_rows * inner;
    std::fill_n(to, in_rows * inner, T{0});
    for (std::int64_t j = 0; j < out_rows; ++j) {
      if (source[j] < 0) continue;
      T* row = to + source[j] * inner;
      for (std::int64_t i = 0; i < inner; ++i) row[i] += from[j * inner + i];
    }
  });
}

}  // namespace tessera::kernels
