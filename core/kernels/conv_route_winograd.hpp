#pragma once

#include <tessera/core/kernels/conv_passes.hpp>

namespace tessera::kernels {

/// Whether a convolution in f32 runs as Winograd with vectors over channels, unless another plan is better yet.
bool use_winograd(const ConvReading& reading);

/// Of few sources, along columns alone, where it takes fewer cycles a result pixel than `other` plans.
bool use_winograd_columns(const ConvReading& reading, double other);

/// Vectors over tiles leave no lane empty where vectors over channels would, but sources and results go through planes.
/// `permuted` are the cycles a result pixel that permuted convolution would take.
bool use_winograd_planes(const ConvReading& reading, double permuted);

/// Cycles a result pixel of the better one of the first two that apply, infinitely many where none does.
double winograd_cycles(const ConvReading& reading);

/// The same for the kernel's gradient, be it of the exchanged convolution.
bool use_winograd_columns_for_kernel(const ConvGeometry& geometry, bool exchanged);

/// Weight gradients transform sources and results alike, and sum over tiles.
bool use_winograd_for_kernel(const ConvGeometry& geometry);

}  // namespace tessera::kernels
