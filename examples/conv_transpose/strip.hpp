#pragma once

#include "case.hpp"

namespace conv_transpose {

/// Draws the steps on the first image of the batch as one picture into options.svg: input, kernel, the stamps one after
/// another, the crop, the output.
void write_strip(const Options& options, const Case& given, const Result& result);

}  // namespace conv_transpose
