// Included once per SIMD target: products of planes summed over their pixels, a register tile of them at once.
#if defined(TESSERA_CONV_PLANAR_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PLANAR_SUMS_INL
#undef TESSERA_CONV_PLANAR_SUMS_INL
#else
#define TESSERA_CONV_PLANAR_SUMS_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <tessera/core/kernels/conv_planar-inl.hpp>
#include <tessera/core/kernels/lane_sums-inl.hpp>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// The pixels that one tile sums over.
struct PlanarSumTask {
  int64_t rows, source_row, gradient_row;  ///< rows of results, and elements from one to the next
  int64_t gradient_plane;                  ///< elements from one filter's gradients to the next one's
  int64_t columns;
};

/// sums[entry][filter] += sources at the entry's offset times the filter's gradients: E entries, F filters.
template <int E, int F, class T>
HWY_NOINLINE void planar_sum_tile(const PlanarSumTask& task, const T* HWY_RESTRICT source, const int64_t* offsets,
                                  const T* HWY_RESTRICT gradient, T* HWY_RESTRICT sums, int64_t sums_step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  constexpr int count = E * F, whole = divide_up(count, quad) * quad;
  Vec acc[whole];
  TESSERA_UNROLL for (Vec& sum : acc) sum = hn::Zero(d);
  const auto add = [&](auto load, const T* HWY_RESTRICT from, const T* HWY_RESTRICT g) HWY_ATTR {
    Vec values[F];
    TESSERA_UNROLL for (int f = 0; f < F; ++f) values[f] = in_register(load(g + f * task.gradient_plane));
    TESSERA_UNROLL for (int e = 0; e < E; ++e) {
      const Vec x = in_register(load(from + offsets[e]));
      TESSERA_UNROLL for (int f = 0; f < F; ++f) acc[e * F + f] = hn::MulAdd(x, values[f], acc[e * F + f]);
    }
  };
  for (int64_t row = 0; row < task.rows; ++row) {
    const T* HWY_RESTRICT from = source + row * task.source_row;
    const T* HWY_RESTRICT g = gradient + row * task.gradient_row;
    int64_t x = 0;
    for (; x + lanes <= task.columns; x += lanes)
      add([&](const T* at) HWY_ATTR { return hn::LoadU(d, at); }, from + x, g + x);
    // Both by their first numbers: what stands behind them may be anything.
    const int64_t rest = task.columns - x;
    if (rest > 0) add([&](const T* at) HWY_ATTR { return load_first(d, rest, at); }, from + x, g + x);
  }
  T totals[whole];
  if constexpr (sizeof(T) == sizeof(float)) {
    TESSERA_UNROLL for (int i = 0; i < whole; i += quad) hn::StoreU(add_lanes(acc + i), QuadTag(), totals + i);
  } else {
    TESSERA_UNROLL for (int i = 0; i < count; ++i) totals[i] = hn::GetLane(hn::SumOfLanes(d, acc[i]));
  }
  for (int e = 0; e < E; ++e)
    for (int f = 0; f < F; ++f) sums[e * sums_step + f] += totals[e * F + f];
}

template <class T>
using PlanarSumFunction = void (*)(const PlanarSumTask&, const T*, const int64_t*, const T*, T*, int64_t);

template <int F, class T, int... E>
constexpr std::array<PlanarSumFunction<T>, sizeof...(E)> planar_sum_table(std::integer_sequence<int, E...>) {
  return {&planar_sum_tile<E + 1, F, T>...};
}

/// All entries of F filters, cut evenly into tiles.
template <int F, class T>
void planar_filter_sums(const PlanarSumTask& task, const T* source, const std::vector<int64_t>& offsets,
                        const T* gradient, T* sums, int64_t sums_step) {
  // A tile's gradients and a source need registers, too, and so do its entries' places.
  constexpr int most = std::min((max_tile_sums + 3 - F) / F, 9);
  static constexpr auto table = planar_sum_table<F, T>(std::make_integer_sequence<int, most>());
  const auto entries = static_cast<int64_t>(offsets.size());
  const int64_t tiles = divide_up(entries, most);
  for (int64_t tile = 0, entry = 0; tile < tiles; ++tile) {
    const int64_t mine = entries / tiles + (tile < entries % tiles);
    table[static_cast<std::size_t>(mine - 1)](task, source, offsets.data() + entry, gradient, sums + entry * sums_step,
                                              sums_step);
    entry += mine;
  }
}

/// All entries of all filters, a few filters at a time. sums [entry][filter].
template <class T>
void planar_sums(const PlanarSumTask& task, const T* source, const std::vector<int64_t>& offsets, const T* gradient,
                 int64_t filters, T* sums) {
  static constexpr std::array tiles{&planar_filter_sums<1, T>, &planar_filter_sums<2, T>, &planar_filter_sums<3, T>,
                                    &planar_filter_sums<4, T>};
  for_blocks(filters, max_tile_sums < 24 ? 3 : 4, [&](int64_t first, int64_t count) {
    tiles[static_cast<std::size_t>(count - 1)](task, source, offsets, gradient + first * task.gradient_plane,
                                               sums + first, filters);
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
