#pragma once

#include <string>

#include "options.hpp"

namespace conv_transpose {

/// The size rule with the numbers put in, what is cropped, parameters, work and overlap.
std::string explain(const Options& options);

}  // namespace conv_transpose
