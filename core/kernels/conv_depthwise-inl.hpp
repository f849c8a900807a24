// Included once per SIMD target: depthwise convolution of a vector of channels or more, read where the image lies.
#if defined(TESSERA_CONV_DEPTHWISE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_DEPTHWISE_INL
#undef TESSERA_CONV_DEPTHWISE_INL
#else
#define TESSERA_CONV_DEPTHWISE_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>
#include <utility>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Whether every channel is convolved by itself and there are enough of them for a vector.
template <class T>
bool is_depthwise(const ConvGeometry& g) {
  return g.in_channels == g.groups && g.out_channels == g.groups && g.groups >= lane_count<T>();
}

/// Numbers from `begin` to before `end`.
struct Range {
  int64_t begin, end;
};

/// The taps of a result that lie in a source of `size`.
inline Range taps_inside(const TapAxis& axis, int64_t result, int64_t size) {
  const int64_t first = axis.first_source(result), d = axis.dilation;
  const int64_t begin = std::min(first < 0 ? divide_up(-first, d) : 0, axis.taps);
  return {begin, std::clamp(first < size ? divide_up(size - first, d) : 0, begin, axis.taps)};
}

/// Calls f(result, count, taps) for the results along an axis, once for all whose taps lie in the source.
template <class F>
void for_columns(const TapAxis& axis, int64_t size, F&& f) {
  const auto is_whole = [&](Range taps) { return taps.end - taps.begin == axis.taps; };
  for (int64_t x = 0; x < axis.count;) {
    const Range taps = taps_inside(axis, x, size);
    int64_t end = x + 1;
    if (is_whole(taps)) {
      end = axis.count;
      while (!is_whole(taps_inside(axis, end - 1, size))) --end;
    }
    f(x, end - x, taps);
    x = end;
  }
}

/// Calls f(first, vectors, place) for runs of channels that are one vector long or, where `most` is 2, two. The last
/// run may overlap the one before, but not in its place: so many channels were in runs before it.
template <class T, class F>
void for_vectors(int64_t channels, int64_t most, F&& f) {
  const int64_t lanes = lane_count<T>();
  for (int64_t c = 0; c < channels;) {
    const int64_t left = channels - c, vectors = left > lanes && channels >= 2 * lanes ? most : 1;
    f(std::min(c, channels - vectors * lanes), vectors, c);
    c += std::min(left, vectors * lanes);
  }
}

/// Results of a tile that sources slide past; a row's weights and a source need registers, too.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int max_sliding = 12;
#else
constexpr int max_sliding = 10;
#endif

/// One tap of a row: elements from a result's first source to its own, and its weights of all channels.
template <class T>
struct DepthwiseTap {
  int64_t offset;
  const T* weights;
};

template <class T>
struct DepthwiseTask {
  const std::vector<DepthwiseTap<T>>& taps;
  int64_t source_step, result_step;  ///< elements from one pixel to the next
  int64_t sliding;                   ///< how many taps of a row slide over the sources by one a pixel, or 0
  Epilogue<T> epilogue;
};

/// P pixels of V vectors of channels from `channel` on.
template <int P, int V, class T>
HWY_NOINLINE void depthwise_tile(const DepthwiseTask<T>& task, int64_t channel, const T* HWY_RESTRICT source,
                                 T* HWY_RESTRICT result) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  Vec sums[P][V];
  TESSERA_UNROLL for (int v = 0; v < V; ++v) {
    const Vec bias = task.epilogue.bias ? hn::LoadU(d, task.epilogue.bias + channel + v * lanes) : hn::Zero(d);
    TESSERA_UNROLL for (int p = 0; p < P; ++p) sums[p][v] = bias;
  }
  for (const DepthwiseTap<T>& tap : task.taps) {
    const T* HWY_RESTRICT in = source + tap.offset + channel;
    Vec weights[V];
    TESSERA_UNROLL for (int v = 0; v < V; ++v) weights[v] = hn::LoadU(d, tap.weights + channel + v * lanes);
    TESSERA_UNROLL for (int p = 0; p < P; ++p) {
      TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[p][v] =
          hn::MulAdd(hn::LoadU(d, in + p * task.source_step + v * lanes), weights[v], sums[p][v]);
    }
  }
  if (task.epilogue.rectify) {
    const Vec slope = hn::Set(d, task.epilogue.slope);
    TESSERA_UNROLL for (int p = 0; p < P; ++p) {
      TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[p][v] = rectified(sums[p][v], slope);
    }
  }
  TESSERA_UNROLL for (int p = 0; p < P; ++p) {
    TESSERA_UNROLL for (int v = 0; v < V; ++v)
        hn::StoreU(sums[p][v], d, result + p * task.result_step + channel + v * lanes);
  }
}

/// The same of one vector of channels, where the taps of a row are K and every pixel's sources begin one pixel after
/// those of the pixel before: a source is loaded once for all the pixels that it counts for.
template <int P, int K, class T>
HWY_NOINLINE void sliding_tile(const DepthwiseTask<T>& task, int64_t channel, const T* HWY_RESTRICT source,
                               T* HWY_RESTRICT result) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  const Vec bias = task.epilogue.bias ? hn::LoadU(d, task.epilogue.bias + channel) : hn::Zero(d);
  Vec sums[P];
  TESSERA_UNROLL for (int p = 0; p < P; ++p) sums[p] = bias;
  for (std::size_t row = 0; row < task.taps.size(); row += K) {
    const DepthwiseTap<T>* const taps = task.taps.data() + row;
    const T* HWY_RESTRICT in = source + taps[0].offset + channel;
    Vec weights[K];
    TESSERA_UNROLL for (int k = 0; k < K; ++k) weights[k] = hn::LoadU(d, taps[k].weights + channel);
    TESSERA_UNROLL for (int x = 0; x < P + K - 1; ++x) {
      const Vec value = in_register(hn::LoadU(d, in + x * task.source_step));
      TESSERA_UNROLL for (int k = 0; k < K; ++k) if (x >= k && x - k < P) sums[x - k] =
          hn::MulAdd(value, weights[k], sums[x - k]);
    }
  }
  if (task.epilogue.rectify) {
    const Vec slope = hn::Set(d, task.epilogue.slope);
    TESSERA_UNROLL for (int p = 0; p < P; ++p) sums[p] = rectified(sums[p], slope);
  }
  TESSERA_UNROLL for (int p = 0; p < P; ++p) hn::StoreU(sums[p], d, result + p * task.result_step + channel);
}

template <class T>
using DepthwiseFunction = void (*)(const DepthwiseTask<T>&, int64_t, const T*, T*);

template <int K, class T, int... P>
constexpr std::array<DepthwiseFunction<T>, sizeof...(P)> sliding_table(std::integer_sequence<int, P...>) {
  return {&sliding_tile<P + 1, K, T>...};
}

template <int V, class T, int... P>
constexpr std::array<DepthwiseFunction<T>, sizeof...(P)> depthwise_table(std::integer_sequence<int, P...>) {
  return {&depthwise_tile<P + 1, V, T>...};
}

/// `count` pixels of all channels, cut evenly into tiles.
template <class T>
void depthwise_pixels(const DepthwiseTask<T>& task, int64_t channels, const T* source, T* result, int64_t count) {
  constexpr int most = 6;  // of two vectors; twice as many of one, as products follow each other in few sums
  static constexpr auto one = depthwise_table<1, T>(std::make_integer_sequence<int, 2 * most>());
  static constexpr auto two = depthwise_table<2, T>(std::make_integer_sequence<int, most>());
  static constexpr auto three = sliding_table<3, T>(std::make_integer_sequence<int, max_sliding>());
  static constexpr auto five = sliding_table<5, T>(std::make_integer_sequence<int, max_sliding>());
  const auto* const sliding = task.sliding == 3 ? three.data() : task.sliding == 5 ? five.data() : nullptr;
  const bool slides = sliding != nullptr;
  const int64_t at_once = slides ? max_sliding : channels < 2 * lane_count<T>() ? 2 * most : most;
  const int64_t tiles = divide_up(count, at_once);
  for (int64_t tile = 0, x = 0; tile < tiles; ++tile) {
    const int64_t mine = count / tiles + (tile < count % tiles);
    const auto index = static_cast<std::size_t>(mine - 1);
    for_vectors<T>(channels, slides ? 1 : 2, [&](int64_t channel, int64_t vectors, int64_t) {
      const auto tile_of = slides ? sliding[index] : vectors == 1 ? one[index] : two[index];
      tile_of(task, channel, source + x * task.source_step, result + x * task.result_step);
    });
    x += mine;
  }
}

/// A row of a pass, from its image's sources to its image's results; `taps` is room for the row's.
template <class T>
void depthwise_row(const ConvReading& reading, const ConvPass& pass, int64_t y, const T* kernel,
                   const Epilogue<T>& epilogue, const T* source, T* result, std::vector<DepthwiseTap<T>>& taps) {
  const auto& [rows, columns] = pass;
  const ConvGeometry& g = reading.geometry;
  const int64_t channels = g.groups, source_row = reading.source_size().width * channels;
  const Range row_taps = taps_inside(rows, y, reading.source_size().height);
  const T* const from = source + rows.first_source(y) * source_row;
  T* const to = result + ((rows.start + y * rows.step) * reading.result_size().width + columns.start) * channels;
  const bool slides = columns.stride == 1 && columns.dilation == 1;
  DepthwiseTask<T> task{taps, columns.stride * channels, columns.step * channels, 0, epilogue};
  const auto compute = [&, &rows = rows, &columns = columns](int64_t x, int64_t count, Range column_taps) {
    taps.clear();
    task.sliding = slides ? column_taps.end - column_taps.begin : 0;
    for (int64_t m = row_taps.begin; m < row_taps.end; ++m)
      for (int64_t n = column_taps.begin; n < column_taps.end; ++n)
        taps.push_back({m * rows.dilation * source_row + n * columns.dilation * channels,
                        kernel + (rows.tap(m) * g.kernel.width + columns.tap(n)) * channels});
    depthwise_pixels(task, channels, from + columns.first_source(x) * channels, to + x * task.result_step, count);
  };
  for_columns(columns, reading.source_size().width, compute);
}

/// Both directions. The kernel [kh, kw, 1, channels] is read as it is.
template <class T>
void convolve_depthwise(const ConvReading& reading, const T* kernel, const Epilogue<T>& epilogue, const T* source,
                        T* result) {
  constexpr int64_t band = 4;
  const JoinedPasses joined = join_passes(reading.passes());
  const int64_t bands = divide_up(joined.rows, band);
  const Size2D sources = reading.source_size(), results = reading.result_size();
  parallel_for(reading.geometry.batch * bands, [&](int64_t item) {
    const int64_t image = item / bands, first = item % bands * band, channels = reading.geometry.groups;
    std::vector<DepthwiseTap<T>> taps;
    for (int64_t y = first; y < std::min(first + band, joined.rows); ++y)
      for (const ConvPass& pass : joined.passes)
        if (y < pass.rows.count)
          depthwise_row(reading, pass, y, kernel, epilogue, source + image * sources.height * sources.width * channels,
                        result + image * results.height * results.width * channels, taps);
  });
}

/// sums[tap][channel] += sources times gradients over `count` pixels: E taps of a row, V vectors of channels.
template <int E, int V, class T>
HWY_NOINLINE void depthwise_sums(const T* HWY_RESTRICT source, int64_t source_step, int64_t tap_step,
                                 const T* HWY_RESTRICT gradient, int64_t gradient_step, int64_t count,
                                 T* HWY_RESTRICT sums, int64_t sums_step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  Vec acc[E][V];
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int v = 0; v < V; ++v) acc[e][v] = hn::LoadU(d, sums + e * sums_step + v * lanes);
  }
  for (int64_t x = 0; x < count; ++x, source += source_step, gradient += gradient_step) {
    Vec values[V];
    TESSERA_UNROLL for (int v = 0; v < V; ++v) values[v] = in_register(hn::LoadU(d, gradient + v * lanes));
    TESSERA_UNROLL for (int e = 0; e < E; ++e) {
      TESSERA_UNROLL for (int v = 0; v < V; ++v) acc[e][v] =
          hn::MulAdd(hn::LoadU(d, source + e * tap_step + v * lanes), values[v], acc[e][v]);
    }
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int v = 0; v < V; ++v) hn::StoreU(acc[e][v], d, sums + e * sums_step + v * lanes);
  }
}

template <class T>
using DepthwiseSumFunction = void (*)(const T*, int64_t, int64_t, const T*, int64_t, int64_t, T*, int64_t);

template <int V, class T, int... E>
constexpr std::array<DepthwiseSumFunction<T>, sizeof...(E)> depthwise_sum_table(std::integer_sequence<int, E...>) {
  return {&depthwise_sums<E + 1, V, T>...};
}

/// The kernel's gradient, in chunks of rows with sums of their own, added in order.
template <class T>
void depthwise_kernel_gradient(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient) {
  constexpr int64_t most = 5;  // taps of two vectors, with the gradients' in registers
  static constexpr auto one = depthwise_sum_table<1, T>(std::make_integer_sequence<int, most>());
  static constexpr auto two = depthwise_sum_table<2, T>(std::make_integer_sequence<int, most>());
  const int64_t channels = g.groups, entries = g.kernel.height * g.kernel.width;
  // Overlapping runs of channels have places of their own, or what they share would be added twice.
  std::vector<int64_t> places(static_cast<std::size_t>(channels));
  int64_t width = 0;
  for_vectors<T>(channels, 2, [&](int64_t first, int64_t vectors, int64_t place) {
    width = place + vectors * lane_count<T>();
    for (int64_t c = place; c < std::min(width, channels); ++c) places[static_cast<std::size_t>(c)] = place + c - first;
  });
  const int64_t size = entries * width;
  const ConvPass pass = forward_pass(g);
  const TapAxis &rows = pass.rows, &columns = pass.columns;
  // By shape alone, so that no thread count changes a bit.
  const int64_t all_rows = g.batch * rows.count, chunks = std::clamp<int64_t>(all_rows, 1, 8);
  const Buffer<T> sums(chunks * size);
  parallel_for(chunks, [&](int64_t chunk) {
    T* const mine = sums.data() + chunk * size;
    std::fill(mine, mine + size, T{0});
    for (int64_t row = all_rows * chunk / chunks; row < all_rows * (chunk + 1) / chunks; ++row) {
      const int64_t image = row / rows.count, y = row % rows.count;
      const Range row_taps = taps_inside(rows, y, g.input.height);
      const T* const gradients = output + row * columns.count * channels;
      for (int64_t m = row_taps.begin; m < row_taps.end; ++m) {
        const int64_t source_row = image * g.input.height + rows.first_source(y) + m * rows.dilation;
        const T* const sources = input + source_row * g.input.width * channels;
        const auto add = [&](int64_t x, int64_t count, Range taps) {
          const T* const from = sources + columns.first_source(x) * channels;
          for (int64_t n = taps.begin; n < taps.end; n += most) {
            const int64_t taps_at_once = std::min(most, taps.end - n);
            for_vectors<T>(channels, 2, [&](int64_t c, int64_t vectors, int64_t place) {
              (vectors == 1 ? one : two)[static_cast<std::size_t>(taps_at_once - 1)](
                  from + n * columns.dilation * channels + c, columns.stride * channels, columns.dilation * channels,
                  gradients + x * channels + c, channels, count, mine + (m * g.kernel.width + n) * width + place,
                  width);
            });
          }
        };
        for_columns(columns, g.input.width, add);
      }
    }
  });
  for (int64_t entry = 0; entry < entries; ++entry)
    for (int64_t c = 0; c < channels; ++c) {
      T total{0};
      for (int64_t chunk = 0; chunk < chunks; ++chunk)
        total += sums.data()[chunk * size + entry * width + places[static_cast<std::size_t>(c)]];
      kernel_gradient[entry * channels + c] = total;
    }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
