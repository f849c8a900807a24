#pragma once

#include "case.hpp"

namespace conv_transpose {

/// ValueError where the layer is too large to be drawn number by number.
void check_drawable(const Options& options);

/// Writes the page that shows the layer at work, on the first image of the batch, into options.html: one file, whole or
/// not at all.
void write_page(const Options& options, const Case& given, const Result& result);

}  // namespace conv_transpose
