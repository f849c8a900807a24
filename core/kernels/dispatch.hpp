#pragma once

#include <tessera/core/kernels/simd.hpp>
// Highway reads what is disabled from the header above.
#include <hwy/highway.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <tessera/core/conv_geometry.hpp>

namespace tessera::kernels {

/// Whether so many channels fill no more than half of a vector of 64 bytes.
template <class T>
constexpr bool is_narrow(std::int64_t channels) {
  return channels * static_cast<std::int64_t>(sizeof(T)) <= 32;
}

/// Whether vectors of 64 bytes, where there are any, take as long as two of 32: on Zen 3 and 4, AMD's family 19h.
bool halves_wide_vectors();

/// Channels above which one half of a vector of 64 bytes that is empty counts little.
constexpr std::int64_t most_narrow = 40;

/// Whether vectors of 32 bytes suit so many channels better: they are narrow, or at most `most` that leave half of
/// their last vector of 64 bytes empty where that costs as much as a full one.
template <class T>
bool are_narrow(std::int64_t channels, std::int64_t most = most_narrow) {
  const std::int64_t last = channels * static_cast<std::int64_t>(sizeof(T)) % 64;
  return is_narrow<T>(channels) || (halves_wide_vectors() && channels <= most && last > 0 && last <= 32);
}

/// Whether they suit Winograd better, whose sources are transformed and whose results are summed by vectors.
inline bool is_narrow_winograd(std::int64_t sources, std::int64_t results) {
  return is_narrow<float>(sources) || are_narrow<float>(results);
}

/// Whether the ends of an image's rows, which fill no whole vector, count.
inline bool has_short_rows(Size2D image) { return image.width <= 512; }

/// The place in Highway's dispatch tables of a SIMD target, and of the one in use.
constexpr std::size_t table_index(std::int64_t target) {
  return static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(HWY_CHOSEN_TARGET_SHIFT(target))));
}
inline std::size_t table_index_in_use() {
  hwy::ChosenTarget& chosen = hwy::GetChosenTarget();
  if (!chosen.IsInitialized()) chosen.Update(hwy::SupportedTargets());
  return chosen.GetIndex();
}

/// Whether the target in use has vectors of 64 bytes.
inline bool has_wide_vectors() {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3) && (HWY_TARGETS & HWY_AVX2)
  return table_index_in_use() == table_index(HWY_AVX3);
#else
  return false;
#endif
}

/// Whether it has those of 32 bytes or more.
inline bool has_long_vectors() {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX2)
  return has_wide_vectors() || table_index_in_use() == table_index(HWY_AVX2);
#else
  return false;
#endif
}

/// The place of the target that work runs on. Narrow work runs on AVX2's vectors where there are AVX-512's, too: half
/// of those would be empty, and some processors take as long for one of them as for two of AVX2's.
inline std::size_t dispatch_index(bool narrow) {
  return narrow && has_wide_vectors() ? table_index(HWY_AVX2) : table_index_in_use();
}

}  // namespace tessera::kernels

/// HWY_DYNAMIC_DISPATCH for work that may be narrow.
#define TESSERA_DISPATCH(function, narrow) (*(HWY_DISPATCH_TABLE(function)[::tessera::kernels::dispatch_index(narrow)]))
