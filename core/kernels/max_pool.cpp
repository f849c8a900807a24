#include <tessera/core/kernels/pool.hpp>
#include <tessera/core/kernels/pool_window.hpp>
#include <tessera/core/parallel.hpp>
#include <type_traits>

namespace tessera::kernels {
namespace {

/// An integer as wide as T, so that comparing and choosing share vector lanes.
template <class T>
using Index = std::conditional_t<std::is_same_v<T, float>, std::int32_t, std::int64_t>;

/// True where `value` takes the place of the largest number so far.
template <class T>
bool wins(T value, T best) {
  return value > best || value != value;
}

/// Which of the 2x2 pixels is the largest, 0 to 3 in reading order, and its value.
template <class T>
struct Winner {
  Winner(T a, T b, T c, T d) : best(a) {
    offer(b, 1);
    offer(c, 2);
    offer(d, 3);
  }
  void offer(T value, Index<T> at) {
    const bool better = wins(value, best);
    best = better ? value : best;
    tap = better ? at : tap;
  }
  T best;
  Index<T> tap = 0;
};

/// A window of 2x2 pixels inside the image: most networks' pooling.
bool whole_2x2(const WindowRange& rows, const WindowRange& columns) { return rows.size() == 2 && columns.size() == 2; }

template <class T>
void max_window(const T* x, std::int64_t row_size, std::int64_t channels, const WindowRange& rows,
                const WindowRange& columns, T* y) {
  const T* first = x + rows.begin * row_size + columns.begin * channels;
  if (whole_2x2(rows, columns)) {
    const T *b = first + channels, *c = first + row_size, *d = c + channels;
    for (std::int64_t k = 0; k < channels; ++k) y[k] = Winner<T>(first[k], b[k], c[k], d[k]).best;
    return;
  }
  std::copy_n(first, channels, y);
  for (std::int64_t row = rows.begin; row < rows.end; ++row)
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const T* pixel = x + row * row_size + column * channels;
      for (std::int64_t k = 0; k < channels; ++k) y[k] = wins(pixel[k], y[k]) ? pixel[k] : y[k];
    }
}

template <class T>
void index_window(const T* x, std::int64_t width, std::int64_t channels, const WindowRange& rows,
                  const WindowRange& columns, const T* y, std::int32_t* indices) {
  // From the last pixel to the first, so that the first of equal ones stays. A NaN equals nothing: the last one counts.
  std::fill_n(indices, channels, -1);
  for (std::int64_t row = rows.end; row-- > rows.begin;)
    for (std::int64_t column = columns.end; column-- > columns.begin;) {
      const auto at = static_cast<std::int32_t>(row * width + column);
      const T* pixel = x + at * channels;
      for (std::int64_t k = 0; k < channels; ++k) {
        const bool taken = pixel[k] == y[k] || (pixel[k] != pixel[k] && indices[k] < 0);
        indices[k] = taken ? at : indices[k];
      }
    }
}

/// Takes the place of the best numbers so far where this pixel is larger.
template <class T>
void offer_pixel(const T* pixel, Index<T> tap, std::int64_t count, T* best, Index<T>* winner) {
  for (std::int64_t k = 0; k < count; ++k) {
    const bool better = wins(pixel[k], best[k]);
    best[k] = better ? pixel[k] : best[k];
    winner[k] = better ? tap : winner[k];
  }
}

/// Gives this pixel the gradients of the channels it won.
template <class T>
void take_gradient(const T* grad_y, Index<T> tap, std::int64_t count, const Index<T>* winner, T* grad_pixel) {
  for (std::int64_t k = 0; k < count; ++k) {
    const T grad = grad_y[k];
    grad_pixel[k] += winner[k] == tap ? grad : T{0};
  }
}

template <class T>
void max_window_backward(const T* x, std::int64_t row_size, std::int64_t channels, const WindowRange& rows,
                         const WindowRange& columns, const T* grad_y, T* grad_x) {
  constexpr std::int64_t block = 64;
  const std::int64_t start = rows.begin * row_size + columns.begin * channels;
  for (std::int64_t begin = 0; begin < channels; begin += block) {
    const std::int64_t count = std::min(block, channels - begin);
    Index<T> winner[block];
    const T* first = x + start + begin;
    const auto for_each_pixel = [&](const auto& body) {
      Index<T> tap = 0;
      for (std::int64_t row = rows.begin; row < rows.end; ++row)
        for (std::int64_t column = columns.begin; column < columns.end; ++column)
          body(tap++, row * row_size + column * channels + begin);
    };
    if (whole_2x2(rows, columns)) {
      const T *b = first + channels, *c = first + row_size, *d = c + channels;
      for (std::int64_t k = 0; k < count; ++k) winner[k] = Winner<T>(first[k], b[k], c[k], d[k]).tap;
    } else {
      T best[block];
      std::copy_n(first, count, best);
      std::fill_n(winner, count, Index<T>{0});
      for_each_pixel([&](Index<T> tap, std::int64_t at) { offer_pixel(x + at, tap, count, best, winner); });
    }
    for_each_pixel(
        [&](Index<T> tap, std::int64_t at) { take_gradient(grad_y + begin, tap, count, winner, grad_x + at); });
  }
}

}  // namespace

template <class T>
void max_pool(const ConvGeometry& g, const T* x, T* y, std::int32_t* indices) {
  const std::int64_t channels = g.in_channels, row_size = g.input.width * channels;
  parallel_for(g.batch * g.output.height, [&](std::int64_t chunk) {
    const T* image = x + chunk / g.output.height * g.input.height * row_size;
    const WindowRange rows = window_rows(g, chunk % g.output.height);
    for (std::int64_t column = 0; column < g.output.width; ++column) {
      const std::int64_t at = (chunk * g.output.width + column) * channels;
      const WindowRange columns = window_columns(g, column);
      max_window(image, row_size, channels, rows, columns, y + at);
      if (indices) index_window(image, g.input.width, channels, rows, columns, y + at, indices + at);
    }
  });
}

template <class T>
void max_pool_backward(const ConvGeometry& g, const T* x, const T* grad_y, T* grad_x) {
  const std::int64_t channels = g.in_channels, row_size = g.input.width * channels;
  // Rows of windows that do not overlap own the input rows from their own first to the next one's; others share an
  // image.
  const std::int64_t bands = g.stride.height >= g.kernel.height ? g.output.height : 1;
  const auto first_row = [&](std::int64_t band) {
    return band == 0 ? 0 : band == bands ? g.input.height : band * g.stride.height - g.pad.top;
  };
  parallel_for(g.batch * bands, [&](std::int64_t chunk) {
    const std::int64_t image = chunk / bands, band = chunk % bands;
    const std::int64_t offset = image * g.input.height * row_size;
    std::fill(grad_x + offset + first_row(band) * row_size, grad_x + offset + first_row(band + 1) * row_size, T{0});
    const std::int64_t begin = band * g.output.height / bands, end = (band + 1) * g.output.height / bands;
    for (std::int64_t row = begin; row < end; ++row) {
      const WindowRange rows = window_rows(g, row);
      const T* line = grad_y + (image * g.output.height + row) * g.output.width * channels;
      for (std::int64_t column = 0; column < g.output.width; ++column)
        max_window_backward(x + offset, row_size, channels, rows, window_columns(g, column), line + column * channels,
                            grad_x + offset);
    }
  });
}

template <class T>
void max_unpool(const T* values, const std::int32_t* indices, std::int64_t images, std::int64_t pixels,
                std::int64_t out_pixels, std::int64_t channels, T* out) {
  parallel_for(images, [=](std::int64_t image) {
    T* plane = out + image * out_pixels * channels;
    std::fill_n(plane, out_pixels * channels, T{0});
    for (std::int64_t i = image * pixels * channels; i < (image + 1) * pixels * channels; i += channels)
      for (std::int64_t c = 0; c < channels; ++c) plane[indices[i + c] * channels + c] = values[i + c];
  });
}

template <class T>
void max_unpool_backward(T* grad_out, const std::int32_t* indices, std::int64_t images, std::int64_t pixels,
                         std::int64_t out_pixels, std::int64_t channels, T* grad_values) {
  parallel_for(images, [=](std::int64_t image) {
    T* plane = grad_out + image * out_pixels * channels;
    for (std::int64_t i = (image + 1) * pixels * channels; i > image * pixels * channels;) {
      i -= channels;
      for (std::int64_t c = 0; c < channels; ++c)
        grad_values[i + c] = std::exchange(plane[indices[i + c] * channels + c], T{0});
    }
  });
}

template void max_pool(const ConvGeometry&, const float*, float*, std::int32_t*);
template void max_pool(const ConvGeometry&, const double*, double*, std::int32_t*);
template void max_pool_backward(const ConvGeometry&, const float*, const float*, float*);
template void max_pool_backward(const ConvGeometry&, const double*, const double*, double*);
template void max_unpool(const float*, const std::int32_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         float*);
template void max_unpool(const double*, const std::int32_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         double*);
template void max_unpool_backward(float*, const std::int32_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                                  float*);
template void max_unpool_backward(double*, const std::int32_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                                  double*);

}  // namespace tessera::kernels
