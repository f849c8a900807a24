// Included once per SIMD target, inside no namespace: stores that pass the caches.
#if defined(TESSERA_STREAM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_STREAM_INL
#undef TESSERA_STREAM_INL
#else
#define TESSERA_STREAM_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Whether results of `pixels` times `channels` numbers are better stored past the caches, which few of them would
/// still be in when they are read: what a cache line held before is not read for it then. For vectors that are whole
/// lines alone. Who stores so ends a chunk of work with hwy::FlushStream().
template <class T>
constexpr bool passes_caches(std::int64_t pixels, std::int64_t channels) {
#if HWY_TARGET == HWY_AVX3
  constexpr std::int64_t line = 64, large = std::int64_t{8} << 20;
  const std::int64_t bytes = channels * static_cast<std::int64_t>(sizeof(T));
  return bytes % line == 0 && pixels * bytes >= large;
#else
  (void)pixels, (void)channels;
  return false;
#endif
}

/// Stores a vector, past the caches where `streams`; then at the beginning of a cache line.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store(bool streams, hn::Vec<D> values, D d, T* HWY_RESTRICT to) {
  if (streams)
    hn::Stream(values, d, to);
  else
    hn::StoreU(values, d, to);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
