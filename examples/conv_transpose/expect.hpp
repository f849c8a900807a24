#pragma once

#include <string>

#include "options.hpp"

namespace conv_transpose {

/// Says what the parameters give, and where that is not options.expect, the smallest changes that would give it.
std::string expect(const Options& options);

/// True where the parameters give options.expect.
bool holds(const Options& options);

}  // namespace conv_transpose
