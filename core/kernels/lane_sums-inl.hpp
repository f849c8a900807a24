// Included once per SIMD target: the numbers of vectors added up, four vectors at once.
#if defined(TESSERA_LANE_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_LANE_SUMS_INL
#undef TESSERA_LANE_SUMS_INL
#else
#define TESSERA_LANE_SUMS_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using SumTag = hn::ScalableTag<float>;

/// As many sums as are added up at once.
using QuadTag = hn::CappedTag<float, 4>;
constexpr int quad = static_cast<int>(hn::MaxLanes(QuadTag()));

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE hn::Vec<QuadTag> add_lanes(const hn::Vec<SumTag>* sums) { return sums[0]; }
#else
/// The sum of all blocks of four.
template <class D>
HWY_INLINE hn::Vec<QuadTag> add_blocks(D d, hn::Vec<D> blocks) {
  if constexpr (hn::MaxLanes(d) == quad) {
    return blocks;
  } else {
    const hn::Half<D> half;
    return add_blocks(half, hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks)));
  }
}

/// The numbers of four vectors added up, each vector's to a number of its own.
HWY_INLINE hn::Vec<QuadTag> add_lanes(const hn::Vec<SumTag>* sums) {
  const SumTag d;
  const hn::Repartition<std::uint64_t, SumTag> pairs;
  const auto joined = [&](hn::Vec<SumTag> a, hn::Vec<SumTag> b) HWY_ATTR {
    return hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  };
  const auto low = joined(sums[0], sums[1]), high = joined(sums[2], sums[3]);
  return add_blocks(d, hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, low, high)),
                               hn::BitCast(d, hn::InterleaveUpper(pairs, low, high))));
}
#endif

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
