// Included once per SIMD target: the register tile of permuted convolution, a vector of some rows of results.
#if defined(TESSERA_CONV_PERMUTED_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PERMUTED_TILE_INL
#undef TESSERA_CONV_PERMUTED_TILE_INL
#else
#define TESSERA_CONV_PERMUTED_TILE_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// What a tile multiplies: for every entry (tap column and source channel of a group) a tile's tap rows.
struct PermutedTask {
  const int64_t* offsets;  ///< of every entry
  int64_t entries;
  int64_t row_step;      ///< source elements between tap rows
  const float* weights;  ///< [entry][tap row], `weight_step` apart
  int64_t weight_step;
  const float* bias;           ///< a vector
  const std::int32_t* places;  ///< of every lane's source in a vector of sources
  int64_t result_step;         ///< elements between the tile's rows of results
  bool rectify;
  float slope;
};

/// A vector of Y rows of results, of which those `count` that are there are stored. Tap rows are T, and those of a row
/// of results S after the row before, so that most rows of sources count for several rows of results.
template <int Y, int T, int S>
HWY_NOINLINE void permuted_tile(const PermutedTask& task, const float* HWY_RESTRICT source, float* HWY_RESTRICT result,
                                int64_t count) {
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
    TESSERA_UNROLL for (int row = 0; row < (Y - 1) * S + T; ++row, in += row_step) {
      const Vec x = hn::TableLookupLanes(hn::LoadU(d, in), places);
      TESSERA_UNROLL for (int t = row % S; t < T; t += S) {
        if (t <= row && row - t <= (Y - 1) * S) sums[(row - t) / S] = hn::MulAdd(x, w[t], sums[(row - t) / S]);
      }
    }
  }
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int y = 0; y < Y; ++y) sums[y] = rectified(sums[y], slope);
  }
  TESSERA_UNROLL for (int y = 0; y < Y; ++y) store_first(sums[y], d, count, result + y * task.result_step);
}

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int most_permuted_rows = 12;
#else
constexpr int most_permuted_rows = 8;
#endif
using PermutedFunction = void (*)(const PermutedTask&, const float*, float*, int64_t);
template <int Y>
using PermutedTable = std::array<PermutedFunction, Y>;

template <int T, int S, int... Y>
constexpr PermutedTable<sizeof...(Y)> permuted_table(std::integer_sequence<int, Y...>) {
  return {&permuted_tile<Y + 1, T, S>...};
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
