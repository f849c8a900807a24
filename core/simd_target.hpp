#pragma once

#include <string>
#include <vector>

namespace tessera {

/// Names of the instruction sets whose kernels this machine can run, the best (and default) first, such as "AVX2",
/// "EMU128".
std::vector<std::string> simd_targets();

/// Runs all kernels with one of simd_targets() from now on; "" goes back to the best. ValueError lists the names there
/// are.
void set_simd_target(const std::string& name);

/// The instruction set that kernels run with now.
std::string simd_target();

}  // namespace tessera
