#pragma once

#include <string>

#include "options.hpp"

namespace conv_transpose {

/// The same layer in Keras, PyTorch and ONNX, as code to paste; what has no equivalent there is said plainly.
std::string compare(const Options& options);

}  // namespace conv_transpose
