// Included once per SIMD target: the register tile that weight gradients are summed in.
#if defined(TESSERA_CONV_SUM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_SUM_INL
#undef TESSERA_CONV_SUM_INL
#else
#define TESSERA_CONV_SUM_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <tessera/core/kernels/conv_tile-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Entries of the largest tile, of two vectors or of one.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int64_t max_entries[] = {0, 12, 12};
#else
constexpr int64_t max_entries[] = {0, 12, 6};
#endif

/// The pixels that one tile sums over.
template <class T>
struct PixelTask {
  int64_t rows, columns;
  int64_t source_row, source_step;      ///< source elements from one result row, and one pixel, to the next
  int64_t gradient_row, gradient_step;  ///< the same for the gradient
};

/// Pixels whose products are summed side by side in a tile of so many vectors: each sum waits for the one before it,
/// for as long as a processor takes to start some eight others.
constexpr int64_t side_by_side(int64_t sums) { return sums > 6 ? 1 : divide_up(8, sums); }

/// sums[entry][channel] += over all pixels source[entry] * gradient[channel]: E entries of a tap row times V vectors of
/// channels.
template <int E, int V, class T>
HWY_NOINLINE void sum_tile(const PixelTask<T>& task, const T* HWY_RESTRICT source, const T* HWY_RESTRICT gradient,
                           T* HWY_RESTRICT sums, int64_t sums_step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  constexpr int pixels = static_cast<int>(side_by_side(E * V));
  Vec acc[pixels][E][V];
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int v = 0; v < V; ++v) {
      acc[0][e][v] = hn::LoadU(d, sums + e * sums_step + v * lanes);
      TESSERA_UNROLL for (int p = 1; p < pixels; ++p) acc[p][e][v] = hn::Zero(d);
    }
  }
  const auto add = [&](Vec(&to)[E][V], const T* HWY_RESTRICT x, const T* HWY_RESTRICT g) HWY_ATTR {
    Vec values[V];
    TESSERA_UNROLL for (int v = 0; v < V; ++v) values[v] = in_register(hn::LoadU(d, g + v * lanes));
    TESSERA_UNROLL for (int e = 0; e < E; ++e) {
      const Vec entry = hn::Set(d, x[e]);
      TESSERA_UNROLL for (int v = 0; v < V; ++v) to[e][v] = hn::MulAdd(entry, values[v], to[e][v]);
    }
  };
  const int64_t source_step = task.source_step, gradient_step = task.gradient_step;
  for (int64_t row = 0; row < task.rows; ++row) {
    const T* HWY_RESTRICT x = source + row * task.source_row;
    const T* HWY_RESTRICT g = gradient + row * task.gradient_row;
    int64_t left = task.columns;
    for (; left >= pixels; left -= pixels, x += pixels * source_step, g += pixels * gradient_step) {
      TESSERA_UNROLL for (int p = 0; p < pixels; ++p) add(acc[p], x + p * source_step, g + p * gradient_step);
    }
    if constexpr (pixels > 1)
      for (; left > 0; --left, x += source_step, g += gradient_step) add(acc[0], x, g);
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int v = 0; v < V; ++v) {
      TESSERA_UNROLL for (int p = 1; p < pixels; ++p) acc[0][e][v] = hn::Add(acc[0][e][v], acc[p][e][v]);
      hn::StoreU(acc[0][e][v], d, sums + e * sums_step + v * lanes);
    }
  }
}

template <class T>
using SumFunction = void (*)(const PixelTask<T>&, const T*, const T*, T*, int64_t);

template <int V, class T, int... E>
constexpr std::array<SumFunction<T>, sizeof...(E)> sum_table(std::integer_sequence<int, E...>) {
  return {&sum_tile<E + 1, V, T>...};
}

/// sums[length][block] += over all pixels source[entry] * gradient[block]: a run of entries, cut evenly into tiles. A
/// block is one or two vectors, of which only those that hold `channels` are summed.
template <class T>
void sum_run(const PixelTask<T>& task, const T* source, const T* gradient, int64_t length, T* sums, int64_t block,
             int64_t channels) {
  static constexpr auto one = sum_table<1, T>(std::make_integer_sequence<int, max_entries[1]>());
  static constexpr auto two = sum_table<2, T>(std::make_integer_sequence<int, max_entries[2]>());
  const bool narrow = channels <= lane_count<T>();
  const int64_t tiles = divide_up(length, max_entries[narrow ? 1 : 2]);
  const int64_t entries = length / tiles, larger = length % tiles;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t mine = entries + (tile < larger);
    const auto index = static_cast<std::size_t>(mine - 1);
    (narrow ? one[index] : two[index])(task, source, gradient, sums, block);
    source += mine;
    sums += mine * block;
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
