#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace bench {

/// Adds --threads and --simd, which take effect as they are read.
void add_machine_options(CLI::App& app);

/// 10^9 f32 operations a second of fused multiply-adds in registers, on all threads together: what no kernel exceeds
/// but by doing less. The best of some short tries on the SIMD target in use.
double peak_gigaflops();

/// Reads and writes so many numbers on all threads, in vectors of the SIMD target in use and in proportion: no kernel
/// that needs all of them takes less time.
void move_numbers(std::span<const float> read, std::span<float> written);

/// Megabytes of a line of /proc/self/status, such as VmHWM, the largest resident size so far.
double status_megabytes(const std::string& key);

}  // namespace bench
