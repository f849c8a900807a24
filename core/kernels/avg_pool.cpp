#include <tessera/core/kernels/pool.hpp>
#include <tessera/core/kernels/pool_window.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {
namespace {

template <class T>
T divisor(const ConvGeometry& g, const WindowRange& rows, const WindowRange& columns, bool count_padding) {
  return static_cast<T>(count_padding ? g.kernel.height * g.kernel.width : rows.size() * columns.size());
}

/// Sums of a window's rows, then of those sums: the rounding grows with the window's height plus width, not its area.
template <class T>
void sum_window(const T* x, std::int64_t row_size, std::int64_t channels, const WindowRange& rows,
                const WindowRange& columns, T* y) {
  constexpr std::int64_t block = 64;
  std::fill_n(y, channels, T{0});
  for (std::int64_t begin = 0; begin < channels; begin += block) {
    const std::int64_t count = std::min(block, channels - begin);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      T sum[block] = {};
      for (std::int64_t column = columns.begin; column < columns.end; ++column) {
        const T* pixel = x + row * row_size + column * channels + begin;
        for (std::int64_t k = 0; k < count; ++k) sum[k] += pixel[k];
      }
      for (std::int64_t k = 0; k < count; ++k) y[begin + k] += sum[k];
    }
  }
}

}  // namespace

template <class T>
void avg_pool(const ConvGeometry& g, const T* x, T* y, bool count_padding) {
  const std::int64_t channels = g.in_channels, row_size = g.input.width * channels;
  parallel_for(g.batch * g.output.height, [&](std::int64_t chunk) {
    const T* image = x + chunk / g.output.height * g.input.height * row_size;
    const WindowRange rows = window_rows(g, chunk % g.output.height);
    for (std::int64_t column = 0; column < g.output.width; ++column) {
      T* out = y + (chunk * g.output.width + column) * channels;
      const WindowRange columns = window_columns(g, column);
      sum_window(image, row_size, channels, rows, columns, out);
      const T count = divisor<T>(g, rows, columns, count_padding);
      for (std::int64_t k = 0; k < channels; ++k) out[k] /= count;
    }
  });
}

template <class T>
void avg_pool_backward(const ConvGeometry& g, const T* grad_y, T* grad_x, bool count_padding) {
  const std::int64_t channels = g.in_channels;
  // An input row gathers from all windows over it, so that no two chunks write to one place.
  parallel_for(g.batch * g.input.height, [&](std::int64_t chunk) {
    const std::int64_t image = chunk / g.input.height;
    T* line = grad_x + chunk * g.input.width * channels;
    std::fill_n(line, g.input.width * channels, T{0});
    const WindowRange over =
        windows_over(chunk % g.input.height, g.stride.height, g.pad.top, g.kernel.height, g.output.height);
    for (std::int64_t row = over.begin; row < over.end; ++row) {
      const WindowRange rows = window_rows(g, row);
      for (std::int64_t column = 0; column < g.output.width; ++column) {
        const WindowRange columns = window_columns(g, column);
        const T count = divisor<T>(g, rows, columns, count_padding);
        const T* grad = grad_y + ((image * g.output.height + row) * g.output.width + column) * channels;
        for (std::int64_t at = columns.begin; at < columns.end; ++at)
          for (std::int64_t k = 0; k < channels; ++k) line[at * channels + k] += grad[k] / count;
      }
    }
  });
}

template void avg_pool(const ConvGeometry&, const float*, float*, bool);
template void avg_pool(const ConvGeometry&, const double*, double*, bool);
template void avg_pool_backward(const ConvGeometry&, const float*, float*, bool);
template void avg_pool_backward(const ConvGeometry&, const double*, double*, bool);

}  // namespace tessera::kernels
