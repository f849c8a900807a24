#pragma once

#include <tessera/core/kernels/conv_lanes.hpp>

namespace tessera::kernels {

/// How permuted convolution's vectors would lie where it may be used; else they hold nothing.
RowLanes lanes_if_permuted(const ConvReading& reading);

/// Cycles a result pixel of permuted convolution that shares all rows, as they were measured with AVX-512 and AVX2, and
/// infinitely many where it does not apply or there are no such vectors.
double permuted_cycles(const ConvReading& reading, const RowLanes& lanes);

/// Cycles a result pixel of the better of direct and planar convolution.
double other_cycles(const ConvReading& reading);

/// Whether a convolution in f32 runs permuted, given lanes_if_permuted and permuted_cycles of it.
bool use_permuted(const ConvReading& reading, const RowLanes& lanes, double cycles);

/// Whether its kernel's gradient does.
bool use_permuted_for_kernel(const ConvGeometry& geometry);

}  // namespace tessera::kernels
