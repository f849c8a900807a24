#pragma once

#include <tessera/core/conv_geometry.hpp>
#include <vector>

namespace tessera::kernels {

/// One axis of a dense pass over an image. Result i of `count` lands at start + i * step and reads, for tap m of
/// `taps`, source position i * stride + offset + m * dilation times the kernel's tap first_tap + m * tap_step.
struct TapAxis {
  std::int64_t count = 0, start = 0, step = 1;
  std::int64_t stride = 1, offset = 0;
  std::int64_t taps = 0, dilation = 1;
  std::int64_t first_tap = 0, tap_step = 1;

  /// The kernel's tap that tap m is.
  std::int64_t tap(std::int64_t m) const { return first_tap + m * tap_step; }
  /// Source positions from the first tap of result `begin` to the last tap of result end - 1.
  std::int64_t first_source(std::int64_t begin) const { return begin * stride + offset; }
  std::int64_t source_span(std::int64_t results) const {
    return taps == 0 ? 0 : (results - 1) * stride + (taps - 1) * dilation + 1;
  }
};

/// A dense pass: rows and columns. A convolution is one pass, what goes back through it one for each phase of its
/// stride.
struct ConvPass {
  TapAxis rows, columns;
};

/// The stretches of contiguous sources that a result is summed from, a tap row's: taps side by side are one.
struct TapRuns {
  std::int64_t count, length;

  TapRuns(const TapAxis& columns, std::int64_t sources)
      : count(columns.dilation == 1 ? 1 : columns.taps),
        length(columns.dilation == 1 ? columns.taps * sources : sources) {}
};

/// Whether a group has one source and one result.
inline bool is_depthwise(const ConvGeometry& g) {
  return g.groups > 1 && g.in_channels == g.groups && g.out_channels == g.groups;
}

/// The only pass of the forward convolution: reads the input, writes the output.
ConvPass forward_pass(const ConvGeometry& geometry);

/// The forward convolution in parts, one for each (row, column) phase of the stride: the taps of a phase read pixels of
/// one phase of the input, side by side where the stride divides the dilation times the taps between them. All parts
/// have the same results, whose sum is the convolution.
std::vector<ConvPass> forward_phases(const ConvGeometry& geometry);

/// The passes from output back to input, one for each (row, column) phase of the stride: input pixels of one phase see
/// the same taps, so each phase is a small dense convolution of stride 1 with no zeros in between.
std::vector<ConvPass> backward_passes(const ConvGeometry& geometry);
/// Their columns alone, one for each phase.
std::vector<TapAxis> backward_columns(const ConvGeometry& geometry);

/// Which convolution, and whether it is read forward (input to output) or backward (output to input).
struct ConvReading {
  ConvGeometry geometry;
  bool forward;

  Size2D source_size() const { return forward ? geometry.input : geometry.output; }
  Size2D result_size() const { return forward ? geometry.output : geometry.input; }
  std::int64_t all_sources() const { return forward ? geometry.in_channels : geometry.out_channels; }
  std::int64_t all_results() const { return forward ? geometry.out_channels : geometry.in_channels; }
  /// Channels of a group.
  std::int64_t sources() const { return all_sources() / geometry.groups; }
  std::int64_t results() const { return all_results() / geometry.groups; }
  std::vector<ConvPass> passes() const {
    return forward ? std::vector<ConvPass>{forward_pass(geometry)} : backward_passes(geometry);
  }
  /// The kernel's number at a tap of a pass, between a source and a result of a group.
  template <class T>
  T weight(const T* kernel, const ConvPass& pass, std::int64_t row, std::int64_t column, std::int64_t group,
           std::int64_t source, std::int64_t result) const {
    const std::int64_t tap = pass.rows.tap(row) * geometry.kernel.width + pass.columns.tap(column);
    const std::int64_t filters = geometry.out_channels / geometry.groups,
                       in_channels = geometry.in_channels / geometry.groups;
    const std::int64_t in = forward ? source : result, filter = group * filters + (forward ? result : source);
    return kernel[(tap * in_channels + in) * geometry.out_channels + filter];
  }
  /// Those of all results of all groups.
  template <class T>
  void weights(const T* kernel, const ConvPass& pass, std::int64_t row, std::int64_t column, std::int64_t source,
               T* to) const {
    const std::int64_t filters = geometry.out_channels / geometry.groups, count = results();
    const std::int64_t tap = pass.rows.tap(row) * geometry.kernel.width + pass.columns.tap(column);
    const std::int64_t source_step = forward ? geometry.out_channels : 1, step = forward ? 1 : geometry.out_channels;
    const T* from =
        kernel + tap * (geometry.in_channels / geometry.groups) * geometry.out_channels + source * source_step;
    for (std::int64_t group = 0; group < geometry.groups; ++group, from += filters)
      for (std::int64_t result = 0; result < count; ++result) *to++ = from[result * step];
  }
};

/// Those of a pass that has all taps of the kernel: read forward, or without a stride.
inline TapRuns tap_runs(const ConvReading& reading) {
  const ConvGeometry& g = reading.geometry;
  return {TapAxis{.taps = g.kernel.width, .dilation = g.dilation.width}, reading.sources()};
}

/// Passes that read the same patches of a source: result (y, x) of each depends on `reach_y` x `reach_x` sources from
/// (y * stride + offset_y, x * stride + offset_x) on.
struct JoinedPasses {
  std::vector<ConvPass> passes;
  std::int64_t rows = 0, columns = 0;  ///< results of the largest pass
  std::int64_t offset_y = 0, offset_x = 0;
  std::int64_t reach_y = 0, reach_x = 0;
};
JoinedPasses join_passes(std::vector<ConvPass> passes);

}  // namespace tessera::kernels
