#pragma once

#include <cstdint>
#include <tessera/core/kernels/conv_passes.hpp>

namespace tessera::kernels {

constexpr std::int64_t winograd_tile = 4;  ///< results a side

/// Tiles that hold so many results of a row or column; the last may overhang.
constexpr std::int64_t winograd_tiles(std::int64_t results) { return (results + winograd_tile - 1) / winograd_tile; }

/// The dense parts of a convolution that Winograd computes one by one: forward those of each phase of the stride, back
/// to the input the passes of each phase.
JoinedPasses winograd_passes(const ConvReading& reading);

/// The most taps a side that one of them has.
std::int64_t winograd_taps(const ConvReading& reading, const JoinedPasses& passes);

/// How far apart the results of a tile lie: where the stride is 1, as far as the dilation puts the sources of two taps.
Size2D winograd_spread(const ConvReading& reading);

/// Products of direct convolution for one of Winograd's, whose tiles may overhang the results; 0 where it does not
/// apply: with groups, where no axis has two or three taps side by side in one phase of the sources, or one has more.
double winograd_saving(const ConvReading& reading);

}  // namespace tessera::kernels
