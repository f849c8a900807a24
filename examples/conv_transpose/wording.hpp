#pragma once

#include <vector>

#include "search.hpp"

namespace conv_transpose {

/// The question with these choices for its axes, in the ways that padding and output_padding can say it, fewest words
/// first and up to `most`; what is given stays as it is. Axes with one choice share one output_padding.
std::vector<Options> wordings(const Options& question, const Fit& height, const Fit& width, std::size_t most);

}  // namespace conv_transpose
