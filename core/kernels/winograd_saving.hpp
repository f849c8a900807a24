#pragma once

#include <cstdint>
#include <tessera/core/kernels/conv_passes.hpp>
#include <vector>

namespace tessera::kernels {

constexpr std::int64_t winograd_tile = 4;  ///< results a side

/// Tiles that hold so many results of a row or column; the last may overhang.
constexpr std::int64_t winograd_tiles(std::int64_t results) { return (results + winograd_tile - 1) / winograd_tile; }

/// The dense parts of a convolution that Winograd computes one by one: forward those of each phase of the stride, back
/// to the input the passes of each phase. Those that are summed have up to three taps a side.
JoinedPasses winograd_passes(const ConvReading& reading);
/// Whether results are sums over the passes; else each pass has results of its own, of the same patches.
bool winograd_sums_passes(const ConvReading& reading);

/// The most taps a side that one of them has.
std::int64_t winograd_taps(const ConvReading& reading, const JoinedPasses& passes);

/// What is multiplied along an axis of a pass: as many points as tile and most taps have together but one; without the
/// first or the last of those taps the kernel is zero at the first or the last point. Of a single tap all points'
/// weights are the tap itself, but for a factor. Where no pass has more taps sources stay as they are, and a tile's
/// four places share the tap.
struct PointAxis {
  bool transformed = true, skips_first = false, skips_last = false;
  std::int64_t single = -1;  ///< where among the most taps a single one is

  /// Of so many taps from `offset` on among `most`.
  static PointAxis of(std::int64_t offset, std::int64_t taps, std::int64_t most) {
    PointAxis axis;
    axis.skips_first = offset > 0;
    axis.skips_last = offset + taps < most;
    if (taps == 1) axis.single = offset;
    return axis;
  }
  std::int64_t points(std::int64_t all) const { return transformed ? all - skips_first - skips_last : 1; }
  std::int64_t weights(std::int64_t all) const { return single < 0 ? points(all) : 1; }
  std::int64_t places() const { return transformed ? 1 : winograd_tile; }
};

/// The rows' and the columns' of every pass.
struct PointAxes {
  PointAxis rows, columns;
};
std::vector<PointAxes> winograd_axes(const ConvReading& reading, const JoinedPasses& passes);

/// How far apart the results of a tile lie: where the stride is 1, as far as the dilation puts the sources of two taps.
Size2D winograd_spread(const ConvReading& reading);

/// Products of direct convolution for one of Winograd's, whose tiles may overhang the results; 0 where it does not
/// apply: with groups, where no axis has two taps side by side in one phase of the sources, or back through a stride,
/// where one has more than three.
double winograd_saving(const ConvReading& reading);

}  // namespace tessera::kernels
