#pragma once

#include <string>

#include "case.hpp"

namespace conv_transpose {

struct Verdict {
  std::string text;
  bool agrees = true;
};

/// Computes the output in three more ways, which share nothing with the library's kernels, and compares all four.
Verdict verify(const Options& options, const Case& given, const Result& result);

}  // namespace conv_transpose
