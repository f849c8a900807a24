// Included once per SIMD target: permuted convolution of single taps, where one vector of sources holds all sources
// that a vector of results is summed from.
#if defined(TESSERA_CONV_PERMUTED_POINTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PERMUTED_POINTS_INL
#undef TESSERA_CONV_PERMUTED_POINTS_INL
#else
#define TESSERA_CONV_PERMUTED_POINTS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_lanes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Vectors of results of the same channels: each lane of them is summed from sources side by side.
struct PermutedPoints {
  const float* weights;  ///< [source], `weight_step` apart
  int64_t weight_step;
  const float* bias;                          ///< a vector
  const std::int32_t* places;                 ///< of every lane's first source in a vector of sources
  int64_t vectors, source_step, result_step;  ///< elements from one vector to the next
  int64_t most;                               ///< lanes to store at most: all where the next ones are stored later
  bool rectify;
  float slope;
};

/// Of S sources each; `count` numbers of results are there from the first one on.
template <int S>
HWY_NOINLINE void permuted_points(const PermutedPoints& task, const float* HWY_RESTRICT source,
                                  float* HWY_RESTRICT result, int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> integers;
  using Vec = hn::Vec<decltype(d)>;
  Vec w[S];
  decltype(hn::IndicesFromVec(d, hn::Zero(integers))) places[S];
  TESSERA_UNROLL for (int s = 0; s < S; ++s) {
    w[s] = hn::LoadU(d, task.weights + s * task.weight_step);
    places[s] = hn::IndicesFromVec(d, hn::Add(hn::LoadU(integers, task.places), hn::Set(integers, s)));
  }
  const Vec bias = hn::LoadU(d, task.bias), slope = hn::Set(d, task.slope);
  const auto compute = [&](auto finished) HWY_ATTR {
    for (int64_t v = 0; v < task.vectors; ++v, source += task.source_step) {
      const Vec x = in_register(hn::LoadU(d, source));
      Vec sum = bias;
      TESSERA_UNROLL for (int s = 0; s < S; ++s) sum = hn::MulAdd(hn::TableLookupLanes(x, places[s]), w[s], sum);
      const int64_t at = v * task.result_step;
      store_first(finished(sum), d, std::min(task.most, count - at), result + at);
    }
  };
  if (task.rectify) return compute([&](Vec sum) HWY_ATTR { return rectified(sum, slope); });
  compute([](Vec sum) HWY_ATTR { return sum; });
}

/// Sources of a group that there is code for.
constexpr int most_point_sources = 8;

using PermutedPointsFunction = void (*)(const PermutedPoints&, const float*, float*, int64_t);

inline PermutedPointsFunction permuted_points_of(int64_t sources) {
  static constexpr std::array<PermutedPointsFunction, most_point_sources> table{
      &permuted_points<1>, &permuted_points<2>, &permuted_points<3>, &permuted_points<4>,
      &permuted_points<5>, &permuted_points<6>, &permuted_points<7>, &permuted_points<8>};
  return table[static_cast<std::size_t>(sources - 1)];
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
