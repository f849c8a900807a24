#pragma once

#include <tessera/core/kernels/conv_passes.hpp>

namespace tessera::kernels {

/// How full permuted convolution's vectors would be where it may be used, else 0.
double filled_permuted(const ConvReading& reading);

/// Cycles a result pixel of permuted convolution that shares all rows, as they were measured with AVX-512 and AVX2, and
/// infinitely many where it does not apply or there are no such vectors.
double permuted_cycles(const ConvReading& reading, double filled);

/// Whether a convolution in f32 runs permuted. `filled` is filled_permuted of it.
bool use_permuted(const ConvReading& reading, double filled);

/// Whether its kernel's gradient does.
bool use_permuted_for_kernel(const ConvGeometry& geometry);

}  // namespace tessera::kernels
