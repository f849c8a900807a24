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

/// Calls `f` with the tag of whole vectors where they divide the channels, else with that of single numbers.
template <class T, class F>
void with_lanes(std::int64_t channels, F&& f) {
  const hn::ScalableTag<T> whole;
  if (channels % static_cast<std::int64_t>(hn::Lanes(whole)) == 0)
    f(whole);
  else
    f(hn::CappedTag<T, 1>());
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
