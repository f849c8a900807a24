#include <cblas.h>

#include <algorithm>
#include <tessera/core/kernels/gemm.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {
namespace {

/// Large enough that packing the operands anew for every tile costs little, small enough to occupy a few threads.
constexpr std::int64_t tile_rows = 128, tile_columns = 256;

template <class T>
void blas_product(GemmOperand<T> a, GemmOperand<T> b, T* out, std::int64_t out_row_length, std::int64_t rows,
                  std::int64_t columns, std::int64_t depth) {
  const auto size = [](std::int64_t value) { return static_cast<blasint>(value); };
  const auto call = [&](auto product) {
    product(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
            size(rows), size(columns), size(depth), T{1}, a.data, size(a.row_length), b.data, size(b.row_length), T{0},
            out, size(out_row_length));
  };
  if constexpr (sizeof(T) == sizeof(float))
    call(cblas_sgemm);
  else
    call(cblas_dgemm);
}

}  // namespace

template <class T>
void gemm(GemmOperand<T> a, GemmOperand<T> b, T* out, std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  if (rows == 0 || columns == 0) return;
  if (depth == 0) {
    std::fill_n(out, rows * columns, T{0});
    return;
  }
  const std::int64_t across = (columns + tile_columns - 1) / tile_columns, down = (rows + tile_rows - 1) / tile_rows;
  parallel_for(across * down, [=](std::int64_t tile) {
    const std::int64_t row = tile / across * tile_rows, column = tile % across * tile_columns;
    GemmOperand<T> left = a, right = b;
    left.data += left.transposed ? row : row * left.row_length;
    right.data += right.transposed ? column * right.row_length : column;
    blas_product(left, right, out + row * columns + column, columns, std::min(tile_rows, rows - row),
                 std::min(tile_columns, columns - column), depth);
  });
}

template void gemm(GemmOperand<float>, GemmOperand<float>, float*, std::int64_t, std::int64_t, std::int64_t);
template void gemm(GemmOperand<double>, GemmOperand<double>, double*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace tessera::kernels
