#pragma once

#include <cstdio>

#include "options.hpp"

namespace conv_transpose {

/// Prints which parameters take the input to options.solve, best first, as commands; where none do, the nearest that
/// can be had.
void solve(const Options& options, std::FILE* out);

}  // namespace conv_transpose
