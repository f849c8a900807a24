// Included once per SIMD target: the register tile of permuted convolution back through a stride, a vector of some
// rows of results.
#if defined(TESSERA_CONV_PERMUTED_BACK_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PERMUTED_BACK_TILE_INL
#undef TESSERA_CONV_PERMUTED_BACK_TILE_INL
#else
#define TESSERA_CONV_PERMUTED_BACK_TILE_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <tessera/core/kernels/conv_permuted_tile-inl.hpp>
#include <tessera/core/kernels/conv_strides.hpp>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// A vector of Y rows of results. A row of sources counts for T of them, its tap rows, S rows on from those that the
/// row before counts for. Rows from `first` to before `last` are stored, `count` numbers each; the first one to
/// `result`.
template <int Y, int T, int S>
HWY_NOINLINE void permuted_back_tile(const PermutedTask& task, const float* HWY_RESTRICT source,
                                     float* HWY_RESTRICT result, int64_t count, int64_t first, int64_t last) {
  static_assert(Y % S == 0);
  constexpr int before = (T - 1) / S;
  const hn::ScalableTag<float> d;
  using Vec = hn::Vec<decltype(d)>;
  const auto places = hn::SetTableIndices(d, task.places);
  Vec sums[Y];
  TESSERA_UNROLL for (int y = 0; y < Y; ++y) sums[y] = hn::LoadU(d, task.bias);
  const float* HWY_RESTRICT weights = task.weights;
  const int64_t row_step = task.row_step;
  for (int64_t entry = 0; entry < task.entries; ++entry) {
    Vec w[T];
    TESSERA_UNROLL for (int t = 0; t < T; ++t, weights += task.weight_step) w[t] = in_register(hn::LoadU(d, weights));
    const float* HWY_RESTRICT in = source + task.offsets[entry];
    TESSERA_UNROLL for (int row = 0; row < before + Y / S; ++row, in += row_step) {
      const Vec x = hn::TableLookupLanes(hn::LoadU(d, in), places);
      TESSERA_UNROLL for (int t = 0; t < T; ++t) {
        const int y = (row - before) * S + t;
        if (y >= 0 && y < Y) sums[y] = hn::MulAdd(x, w[t], sums[y]);
      }
    }
  }
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int y = 0; y < Y; ++y) sums[y] = rectified(sums[y], slope);
  }
  TESSERA_UNROLL for (int y = 0; y < Y; ++y) {
    if (y < first || y >= last) continue;
    store_first(sums[y], d, count, result);
    result += task.result_step;
  }
}

using PermutedBackFunction = void (*)(const PermutedTask&, const float*, float*, int64_t, int64_t, int64_t);

/// Of one step's rows, of two and so on.
template <int T, int S, int... N>
constexpr std::array<PermutedBackFunction, sizeof...(N)> permuted_back_table(std::integer_sequence<int, N...>) {
  return {&permuted_back_tile<(N + 1) * StrideRows::rows_step(S), T, S>...};
}
template <int T, int S>
constexpr auto permuted_back_tiles =
    permuted_back_table<T, S>(std::make_integer_sequence<int, most_permuted_rows / StrideRows::rows_step(S)>());

/// Those of stride_tiles.
template <std::size_t... I>
constexpr std::array<const PermutedBackFunction*, sizeof...(I)> all_back_tiles(std::index_sequence<I...>) {
  return {permuted_back_tiles<stride_tiles[I].taps, stride_tiles[I].stride>.data()...};
}

/// The tile for so many rows, of those that StrideRows::has_tiles tells of.
inline PermutedBackFunction permuted_back_tile_of(int64_t rows, int64_t taps, int64_t stride) {
  static constexpr auto all = all_back_tiles(std::make_index_sequence<stride_tiles.size()>());
  return all[static_cast<std::size_t>(stride_tile_index(taps, stride))][rows / StrideRows::rows_step(stride) - 1];
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
