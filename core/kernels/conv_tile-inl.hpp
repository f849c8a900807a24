// Included once per SIMD target: the register tile that direct convolution, phases and Winograd's products all run on.
#if defined(TESSERA_CONV_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_TILE_INL
#undef TESSERA_CONV_TILE_INL
#else
#define TESSERA_CONV_TILE_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <tessera/core/kernels/stream-inl.hpp>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::int64_t;

/// Numbers of a vector.
template <class T>
HWY_INLINE int64_t lane_count() {
  return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
}

/// Channels of one packed block: two vectors.
template <class T>
HWY_INLINE int64_t block_width() {
  return 2 * lane_count<T>();
}

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Result pixels of the largest tile. Tile height times vectors, plus weights and one broadcast, must fit the
/// registers: one more than that spills, and the kernel runs at half speed.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int64_t max_pixels_two_vectors = 12, max_pixels_one_vector = 12;
#else
constexpr int64_t max_pixels_two_vectors = 6, max_pixels_one_vector = 12;
#endif

/// Vectors of sums in a tile that runs over pixels or over sources; weights and sources need registers, too.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int max_tile_sums = 24;
#else
constexpr int max_tile_sums = 12;
#endif

/// What one tile multiplies: `rows` x `runs` stretches of `run_length` source elements, each times its row of weights.
template <class T>
struct TileTask {
  int64_t rows, row_step;  ///< tap rows and the source elements between them
  int64_t runs, run_step;  ///< stretches within a tap row and the elements between them
  int64_t run_length;      ///< contiguous source elements: taps * channels, or channels where taps are apart
  int64_t pixel_step;      ///< source elements from one result pixel to the next
  int64_t result_step;     ///< result elements from one pixel to the next
  int64_t channels;        ///< result channels to store, at most a block
  const T* weights;        ///< [rows][runs][run_length][block]
  const T* bias;           ///< a block
  bool adds;               ///< to what the result holds, in place of the bias; for whole vectors
  bool streams;            ///< past the caches
  bool rectify;
  T slope;
};

/// A vector that was loaded for a few products. GCC would load it anew for each of up to three, and a tile would wait
/// for its loads.
template <class V>
HWY_INLINE V in_register(V vector) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  asm("" : "+v"(vector.raw));
#endif
  return vector;
}

/// A vector of the first `count` numbers, at least one, and of zeros after them; reads no further.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, int64_t count, const T* from) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, from);
#else
  T whole[HWY_MAX_BYTES / sizeof(T)] = {};
  std::copy(from, from + count, whole);
  return hn::LoadU(d, whole);
#endif
}

/// Copies a pixel's `count` numbers, and zeros after them up to a whole number of vectors.
template <class T>
HWY_INLINE void copy_pixel(const T* HWY_RESTRICT from, int64_t count, T* HWY_RESTRICT to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + lanes <= count; c += lanes) hn::StoreU(hn::LoadU(d, from + c), d, to + c);
  if (c < count) hn::StoreU(load_first(d, count - c, from + c), d, to + c);
}

/// Stores the first `count` numbers of a vector, or all where it has no more. Not by a mask: some processors take
/// longer for such a store than for a tile's products. In pieces of known size, which cost no call.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(hn::Vec<D> values, D d, int64_t count, T* HWY_RESTRICT to) {
  constexpr int64_t most = HWY_MAX_BYTES / sizeof(T);
  if (count >= static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(values, d, to);
  T whole[most];
  hn::StoreU(values, d, whole);
  const T* from = whole;
  const auto piece = [&]<int64_t size>(std::integral_constant<int64_t, size>) {
    if constexpr (size < most)
      if (count & size) {
        std::memcpy(to, from, size * sizeof(T));
        from += size;
        to += size;
      }
  };
  piece(std::integral_constant<int64_t, 8>());
  piece(std::integral_constant<int64_t, 4>());
  piece(std::integral_constant<int64_t, 2>());
  piece(std::integral_constant<int64_t, 1>());
}

/// Negative numbers times the slope. Not by Max: a NaN must come through.
template <class V>
HWY_INLINE V rectified(V values, V slope) {
  return hn::IfThenElse(hn::Lt(values, hn::Zero(hn::DFromV<V>())), hn::Mul(values, slope), values);
}

/// P result pixels times V vectors of channels, in registers from the bias to the store.
template <int P, int V, class T>
HWY_NOINLINE void compute_tile(const TileTask<T>& task, const T* HWY_RESTRICT source, T* HWY_RESTRICT result) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), block = 2 * lanes;
  using Vec = hn::Vec<decltype(d)>;
  Vec sums[P][V];
  TESSERA_UNROLL for (int p = 0; p < P; ++p) {
    const T* start = task.adds ? result + p * task.result_step : task.bias;
    TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[p][v] = hn::LoadU(d, start + v * lanes);
  }
  const T* HWY_RESTRICT weights = task.weights;
  const int64_t pixel_step = task.pixel_step;
  // A place for every three pixels, which others are a step or two from: one for each would not fit the registers.
  const T* threes[(P + 2) / 3];
  TESSERA_UNROLL for (int i = 0; i < (P + 2) / 3; ++i) threes[i] = source + 3 * i * pixel_step;
  const int64_t rows = task.rows, runs = task.runs, run_length = task.run_length;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t run = 0; run < runs; ++run) {
      const int64_t begin = row * task.row_step + run * task.run_step;
      for (int64_t at = begin; at < begin + run_length; ++at, weights += block) {
        Vec w[V];
        TESSERA_UNROLL for (int v = 0; v < V; ++v) w[v] = hn::LoadU(d, weights + v * lanes);
        TESSERA_UNROLL for (int p = 0; p < P; ++p) {
          const Vec x = hn::Set(d, threes[p / 3][at + p % 3 * pixel_step]);
          TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[p][v] = hn::MulAdd(x, w[v], sums[p][v]);
        }
      }
    }
  }
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int p = 0; p < P; ++p) {
      TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[p][v] = rectified(sums[p][v], slope);
    }
  }
  // Read once: for all the compiler knows, each store could change it.
  const int64_t channels = task.channels, result_step = task.result_step;
  if (channels == V * lanes) {
    const auto store_all = [&](auto store_vector) HWY_ATTR {
      TESSERA_UNROLL for (int p = 0; p < P; ++p) {
        TESSERA_UNROLL for (int v = 0; v < V; ++v) store_vector(sums[p][v], result + p * result_step + v * lanes);
      }
    };
    if (task.streams) return store_all([&](Vec sum, T* to) HWY_ATTR { hn::Stream(sum, d, to); });
    return store_all([&](Vec sum, T* to) HWY_ATTR { hn::StoreU(sum, d, to); });
  }
  // Whole vectors may run over into the pixels that this tile stores next.
  const int64_t room = result_step == channels ? P * channels : 0;
  TESSERA_UNROLL for (int p = 0; p < P; ++p) {
    if (p * channels + V * lanes <= room) {
      TESSERA_UNROLL for (int v = 0; v < V; ++v) hn::StoreU(sums[p][v], d, result + p * channels + v * lanes);
      continue;
    }
    T* pixel = result + p * result_step;
    TESSERA_UNROLL for (int v = 0; v + 1 < V; ++v) hn::StoreU(sums[p][v], d, pixel + v * lanes);
    store_first(sums[p][V - 1], d, channels - (V - 1) * lanes, pixel + (V - 1) * lanes);
  }
}

template <class T>
using TileFunction = void (*)(const TileTask<T>&, const T*, T*);

template <int V, class T, int... P>
constexpr std::array<TileFunction<T>, sizeof...(P)> tile_table(std::integer_sequence<int, P...>) {
  return {&compute_tile<P + 1, V, T>...};
}

/// One row of results: cut evenly into tiles, so that no tile is much smaller than the others.
template <class T>
void compute_row(const TileTask<T>& task, const T* source, T* result, int64_t count, int64_t lanes) {
  static constexpr auto one = tile_table<1, T>(std::make_integer_sequence<int, max_pixels_one_vector>());
  static constexpr auto two = tile_table<2, T>(std::make_integer_sequence<int, max_pixels_two_vectors>());
  const bool narrow = task.channels <= lanes;
  const int64_t tiles = divide_up(count, narrow ? max_pixels_one_vector : max_pixels_two_vectors);
  const int64_t pixels = count / tiles, larger = count % tiles;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t mine = pixels + (tile < larger);
    const auto index = static_cast<std::size_t>(mine - 1);
    (narrow ? one[index] : two[index])(task, source, result);
    source += mine * task.pixel_step;
    result += mine * task.result_step;
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
