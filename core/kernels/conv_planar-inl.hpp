// Included once per SIMD target: how planar convolution cuts result channels into what the registers hold.
#if defined(TESSERA_CONV_PLANAR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PLANAR_INL
#undef TESSERA_CONV_PLANAR_INL
#else
#define TESSERA_CONV_PLANAR_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_tile-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Calls f(first, count) for blocks of at most `most` channels, as even as they come.
template <class F>
HWY_INLINE void for_blocks(int64_t channels, int64_t most, F&& f) {
  const int64_t blocks = divide_up(channels, most);
  for (int64_t block = 0, first = 0; block < blocks; ++block) {
    const int64_t count = channels / blocks + (block < channels % blocks);
    f(first, count);
    first += count;
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
