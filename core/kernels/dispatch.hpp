#pragma once

#include <tessera/core/kernels/simd.hpp>
// Highway reads what is disabled from the header above.
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <tessera/core/conv_geometry.hpp>

namespace tessera::kernels {

/// Whether so many channels fill no more than half of a vector of 64 bytes.
template <class T>
constexpr bool is_narrow(std::int64_t channels) {
  return channels * static_cast<std::int64_t>(sizeof(T)) <= 32;
}

/// Whether the ends of an image's rows, which fill no whole vector, count.
inline bool has_short_rows(Size2D image) { return image.width <= 128; }

/// The place in Highway's dispatch tables of the SIMD target in use. Narrow work runs on AVX2's vectors where there are
/// AVX-512's, too: half of those would be empty, and some processors take as long for one of them as for two of AVX2's.
inline std::size_t dispatch_index(bool narrow) {
  hwy::ChosenTarget& chosen = hwy::GetChosenTarget();
  if (!chosen.IsInitialized()) chosen.Update(hwy::SupportedTargets());
  const std::size_t best = chosen.GetIndex();
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3) && (HWY_TARGETS & HWY_AVX2)
  constexpr auto index_of = [](std::int64_t target) {
    return hwy::Num0BitsBelowLS1Bit_Nonzero64(static_cast<std::uint64_t>(HWY_CHOSEN_TARGET_SHIFT(target)));
  };
  if (narrow && best == index_of(HWY_AVX3)) return index_of(HWY_AVX2);
#endif
  return best;
}

}  // namespace tessera::kernels

/// HWY_DYNAMIC_DISPATCH for work that may be narrow.
#define TESSERA_DISPATCH(function, narrow) (*(HWY_DISPATCH_TABLE(function)[::tessera::kernels::dispatch_index(narrow)]))
