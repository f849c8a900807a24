#pragma once

#include <tessera/core/kernels/conv_passes.hpp>

namespace tessera::kernels {

/// Whether a convolution in f32 runs as Winograd with vectors over channels, unless another plan is better yet.
bool use_winograd(const ConvReading& reading);

/// Few sources are transformed by vectors over tiles of a row, and products by vectors over results: both must be full.
bool use_winograd_rows(const ConvReading& reading);

/// Vectors over tiles leave no lane empty where vectors over channels would, but sources and results go through planes.
/// `permuted` are the cycles a result pixel that permuted convolution would take.
bool use_winograd_planes(const ConvReading& reading, double permuted);

/// Cycles a result pixel of the one of the first two that is used, infinitely many where none is.
double winograd_cycles(const ConvReading& reading);

/// Weight gradients transform sources and results alike, and sum over tiles.
bool use_winograd_for_kernel(const ConvGeometry& geometry);

}  // namespace tessera::kernels
