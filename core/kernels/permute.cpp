#include <algorithm>
#include <tessera/core/kernels/permute.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {
namespace {

/// Side of the square that is transposed at a time: its lines of input and of output stay in the first cache.
constexpr std::int64_t tile = 32;

}  // namespace

template <class T>
void gather_strided(const T* in, T* out, std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides) {
  const std::size_t outer_axes = sizes.size() - 2;
  const std::int64_t rows = sizes[outer_axes], columns = sizes[outer_axes + 1];
  const std::int64_t row_stride = strides[outer_axes], column_stride = strides[outer_axes + 1];
  std::int64_t planes = 1;
  for (std::size_t axis = 0; axis < outer_axes; ++axis) planes *= sizes[axis];

  const auto copy_band = [&](const T* source, T* target, std::int64_t count) {
    if (column_stride == 1) {
      for (std::int64_t r = 0; r < count; ++r) std::copy_n(source + r * row_stride, columns, target + r * columns);
      return;
    }
    for (std::int64_t first = 0; first < columns; first += tile) {
      const std::int64_t last = std::min(first + tile, columns);
      for (std::int64_t r = 0; r < count; ++r)
        for (std::int64_t c = first; c < last; ++c)
          target[r * columns + c] = source[r * row_stride + c * column_stride];
    }
  };

  const std::int64_t bands = (rows + tile - 1) / tile;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / (std::min(rows, tile) * columns + 1));
  parallel_ranges(planes * bands, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t band = begin; band < end; ++band) {
      const std::int64_t plane = band / bands, row = band % bands * tile;
      std::int64_t offset = row * row_stride, rest = plane;
      for (std::size_t axis = outer_axes; axis-- > 0; rest /= sizes[axis]) offset += rest % sizes[axis] * strides[axis];
      copy_band(in + offset, out + (plane * rows + row) * columns, std::min(tile, rows - row));
    }
  });
}

template void gather_strided(const float*, float*, std::span<const std::int64_t>, std::span<const std::int64_t>);
template void gather_strided(const double*, double*, std::span<const std::int64_t>, std::span<const std::int64_t>);
template void gather_strided(const std::int32_t*, std::int32_t*, std::span<const std::int64_t>,
                             std::span<const std::int64_t>);
template void gather_strided(const std::uint8_t*, std::uint8_t*, std::span<const std::int64_t>,
                             std::span<const std::int64_t>);

}  // namespace tessera::kernels
