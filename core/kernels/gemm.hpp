#pragma once

#include <cstdint>

namespace tessera::kernels {

/// One operand of a matrix product as it lies in memory: rows of `row_length` elements, read transposed or not.
template <class T>
struct GemmOperand {
  const T* data;
  std::int64_t row_length;
  bool transposed = false;
};

/// out[rows, columns] = a[rows, depth] * b[depth, columns], in tiles of a size of their own on all threads.
template <class T>
void gemm(GemmOperand<T> a, GemmOperand<T> b, T* out, std::int64_t rows, std::int64_t columns, std::int64_t depth);

}  // namespace tessera::kernels
