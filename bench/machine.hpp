#pragma once

#include <string>

namespace bench {

/// 10^9 f32 operations a second of fused multiply-adds in registers, on all threads together: what no kernel exceeds
/// but by doing less. The best of some short tries on the SIMD target in use.
double peak_gigaflops();

/// Megabytes of a line of /proc/self/status, such as VmHWM, the largest resident size so far.
double status_megabytes(const std::string& key);

}  // namespace bench
