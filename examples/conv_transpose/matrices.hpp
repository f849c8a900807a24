#pragma once

#include <string>

#include "case.hpp"

namespace conv_transpose {

/// Input, kernel, bias and output as matrices, one per channel; large ones show their ends unless options.full.
std::string matrices(const Options& options, const Case& given, const Result& result);

/// A number as short as it can be read: whole ones without a point.
std::string number_text(double value);

}  // namespace conv_transpose
