#include <tessera/core/kernels/simd.hpp>
// Highway reads what is disabled from the header above.
#include <fmt/ranges.h>
#include <hwy/highway.h>

#include <tessera/core/error.hpp>
#include <tessera/core/simd_target.hpp>
#include <utility>

namespace tessera {
namespace {

/// Targets that kernels are compiled for and this machine has, best first (a better target is a lower bit).
std::vector<std::int64_t> usable_targets() {
  std::vector<std::int64_t> targets;
  const std::int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  for (int bit = 0; bit < 63; ++bit)
    if (usable >> bit & 1) targets.push_back(std::int64_t{1} << bit);
  return targets;
}

}  // namespace

std::vector<std::string> simd_targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<std::string> names;
  for (const std::int64_t target : usable_targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void set_simd_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  std::int64_t chosen = 0;
  for (const std::int64_t target : usable_targets())
    if (name == hwy::TargetName(target)) chosen = target;
  if (chosen == 0 && !name.empty())
    raise<ValueError>("set_simd_target", "{} is none of this machine's targets: {}", name,
                      fmt::join(simd_targets(), ", "));
  hwy::SetSupportedTargetsForTest(chosen);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::string simd_target() { return hwy::TargetName(usable_targets().front()); }

}  // namespace tessera
