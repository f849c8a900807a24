#include <tessera/core/kernels/dispatch.hpp>

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace tessera::kernels {
namespace {

bool is_zen4() {
#if HWY_ARCH_X86
  unsigned highest = 0, signature = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amd = 0x68747541;  // "Auth", of AuthenticAMD
  if (!__get_cpuid(0, &highest, &b, &c, &d) || b != amd) return false;
  if (!__get_cpuid(1, &signature, &b, &c, &d)) return false;
  const unsigned family = (signature >> 8 & 0xF) + (signature >> 20 & 0xFF);
  return family == 0x19;
#else
  return false;
#endif
}

}  // namespace

bool halves_wide_vectors() {
  static const bool zen4 = is_zen4();
  return zen4;
}

}  // namespace tessera::kernels
