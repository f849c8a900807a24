#include <algorithm>
#include <limits>
#include <numeric>
#include <tessera/core/kernels/conv_passes.hpp>
#include <utility>

namespace tessera::kernels {
namespace {

using std::int64_t;

TapAxis forward_axis(int64_t output, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  return {.count = output, .stride = stride, .offset = -pad, .taps = kernel, .dilation = dilation};
}

/// Input position i belongs to phase a = (i + pad) mod stride. With i + pad = stride * q + a, tap t reaches it from
/// output q + (a - t * dilation) / stride, where that divides: every stride / gcd-th tap. Taps run backwards so that
/// outputs rise.
std::vector<TapAxis> backward_axes(int64_t input, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  std::vector<TapAxis> axes;
  const int64_t tap_stride = stride / std::gcd(stride, dilation);
  for (int64_t phase = 0; phase < stride; ++phase) {
    const int64_t start = (((phase - pad) % stride) + stride) % stride;
    if (start >= input) continue;
    TapAxis axis{.count = (input - start + stride - 1) / stride, .start = start, .step = stride};
    int64_t first = 0;
    while (first < tap_stride && (phase - first * dilation) % stride != 0) ++first;
    if (first < tap_stride && first < kernel) {
      axis.taps = (kernel - 1 - first) / tap_stride + 1;
      axis.first_tap = first + (axis.taps - 1) * tap_stride;
      axis.tap_step = -tap_stride;
      axis.dilation = tap_stride * dilation / stride;
      axis.offset = (start + pad - phase) / stride + (phase - axis.first_tap * dilation) / stride;
    }
    axes.push_back(axis);
  }
  return axes;
}

/// Taps whose distance the stride divides: every stride / gcd-th.
std::vector<TapAxis> forward_axes(int64_t output, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  std::vector<TapAxis> axes;
  const int64_t tap_stride = stride / std::gcd(stride, dilation);
  for (int64_t first = 0; first < std::min(tap_stride, kernel); ++first)
    axes.push_back({.count = output,
                    .stride = stride,
                    .offset = first * dilation - pad,
                    .taps = (kernel - 1 - first) / tap_stride + 1,
                    .dilation = tap_stride * dilation,
                    .first_tap = first,
                    .tap_step = tap_stride});
  return axes;
}

/// Every phase of the rows with every phase of the columns.
std::vector<ConvPass> crossed(const std::vector<TapAxis>& rows, const std::vector<TapAxis>& columns) {
  std::vector<ConvPass> passes;
  for (const TapAxis& of_rows : rows)
    for (const TapAxis& of_columns : columns) passes.push_back({of_rows, of_columns});
  return passes;
}

}  // namespace

ConvPass forward_pass(const ConvGeometry& g) {
  return {forward_axis(g.output.height, g.kernel.height, g.stride.height, g.dilation.height, g.pad.top),
          forward_axis(g.output.width, g.kernel.width, g.stride.width, g.dilation.width, g.pad.left)};
}

std::vector<ConvPass> forward_phases(const ConvGeometry& g) {
  return crossed(forward_axes(g.output.height, g.kernel.height, g.stride.height, g.dilation.height, g.pad.top),
                 forward_axes(g.output.width, g.kernel.width, g.stride.width, g.dilation.width, g.pad.left));
}

std::vector<ConvPass> backward_passes(const ConvGeometry& g) {
  return crossed(backward_axes(g.input.height, g.kernel.height, g.stride.height, g.dilation.height, g.pad.top),
                 backward_columns(g));
}

std::vector<TapAxis> backward_columns(const ConvGeometry& g) {
  return backward_axes(g.input.width, g.kernel.width, g.stride.width, g.dilation.width, g.pad.left);
}

JoinedPasses join_passes(std::vector<ConvPass> passes) {
  JoinedPasses joined;
  joined.offset_y = joined.offset_x = std::numeric_limits<int64_t>::max();
  for (const auto& [rows, columns] : passes) {
    joined.rows = std::max(joined.rows, rows.count);
    joined.columns = std::max(joined.columns, columns.count);
    joined.offset_y = std::min(joined.offset_y, rows.offset);
    joined.offset_x = std::min(joined.offset_x, columns.offset);
  }
  for (const auto& [rows, columns] : passes) {
    joined.reach_y = std::max(joined.reach_y, rows.offset - joined.offset_y + rows.source_span(1));
    joined.reach_x = std::max(joined.reach_x, columns.offset - joined.offset_x + columns.source_span(1));
  }
  joined.passes = std::move(passes);
  return joined;
}

}  // namespace tessera::kernels
