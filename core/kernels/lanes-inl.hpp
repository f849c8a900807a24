// Included once per SIMD target, inside no namespace: vectors over the channels of a pixel.
#if defined(TESSERA_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_LANES_INL
#undef TESSERA_LANES_INL
#else
#define TESSERA_LANES_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls `f` with the tag of the longest vectors, at most whole ones, that divide the channels: of 8 or 4 numbers, or
/// single ones.
template <class T, class F>
void with_lanes(std::int64_t channels, F&& f) {
  const auto whole = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  if (channels % whole == 0) return f(hn::ScalableTag<T>());
  if (whole > 8 && channels % 8 == 0) return f(hn::CappedTag<T, 8>());
  if (whole > 4 && channels % 4 == 0) return f(hn::CappedTag<T, 4>());
  f(hn::CappedTag<T, 1>());
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
