#pragma once

#include "options.hpp"

namespace conv_transpose {

/// The numbers that go into the layer: input [N, H, W, C], kernel [kh, kw, filters / groups, C], bias [filters] or
/// undefined, and the upstream gradient [N, H', W', filters] or undefined.
struct Case {
  Tensor input, kernel, bias, output_grad;
};

/// What comes out of it; gradients are undefined where there was no output_grad.
struct Result {
  Tensor output, input_grad, kernel_grad, bias_grad;
};

/// Fills in the shapes that the file to load says; ValueError where the command line says otherwise.
void read_shapes(Options& options);

/// The numbers of the file to load, or made ones.
Case make_case(const Options& options);

/// Runs the library's Conv2DTranspose, forward and, with an output_grad, back.
Result run(const Options& options, const Case& given);

/// Writes what the result holds into options.save.
void save(const Options& options, const Result& result);

}  // namespace conv_transpose
