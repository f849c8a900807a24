#include "explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "overlap.hpp"

namespace conv_transpose {
namespace {

std::string minus(std::int64_t value) { return value < 0 ? fmt::format("+ {}", -value) : fmt::format("- {}", value); }

std::string size_line(const char* name, const Axis& axis) {
  const ConvGeometry geometry = geometry_of(axis);
  return fmt::format("  {:<7} ({} - 1) * {} + {} {} {} = {}\n", name, axis.input, axis.stride, geometry.span().height,
                     minus(geometry.pad.top), minus(geometry.pad.bottom), geometry.input.height);
}

std::string span_line(const char* name, const Axis& axis) {
  return fmt::format("{} ({} - 1) * {} + 1 = {}", name, axis.kernel, axis.dilation, geometry_of(axis).span().height);
}

/// Why this axis is cropped as it is, with its numbers.
std::string crop_rule(const Axis& axis) {
  const ConvGeometry geometry = geometry_of(axis);
  const std::int64_t span = geometry.span().height, stride = axis.stride;
  const std::int64_t begin = geometry.pad.top, end = geometry.pad.bottom;
  const auto op = axis.output_padding;
  if (axis.padding == same && op)
    return fmt::format("'same' with output_padding leaves ({} - 1) * {} + {} % 2 + {} = {}", axis.input, stride, span,
                       *op, geometry.input.height);
  if (axis.padding == same && span >= stride)
    return fmt::format("'same' takes kernel span - stride = {} - {} = {} away, {}", span, stride, span - stride,
                       begin == end ? "half at each end" : "the odd one at the end");
  if (axis.padding == same)
    return fmt::format("'same' appends stride - kernel span = {} - {} = {} pixels that no tile reaches", stride, span,
                       -end);
  if (axis.padding == valid && op) return fmt::format("'valid' takes nothing away; output_padding appends {}", *op);
  if (axis.padding == valid && span < stride)
    return fmt::format("'valid' takes nothing away, but fills up to the stride: {} - {} = {} appended", stride, span,
                       -end);
  if (axis.padding == valid) return "'valid' takes nothing away";
  return op.value_or(0) == 0 ? fmt::format("as given, {} and {}", begin, end)
                             : fmt::format("as given, {} and {}; output_padding gives {} back at the end", begin,
                                           axis.padding.sides.bottom, *op);
}

std::string crop_text(const Options& options) {
  const Sides pad = options.geometry().pad;
  const auto side = [](const char* name, std::int64_t value) {
    return value < 0 ? fmt::format("{} {} appended", name, -value) : fmt::format("{} {}", name, value);
  };
  return fmt::format("Cropped  {}, {}, {}, {}\n  height  {}\n  width   {}\n", side("top", pad.top),
                     side("left", pad.left), side("bottom", pad.bottom), side("right", pad.right),
                     crop_rule(height_of(options)), crop_rule(width_of(options)));
}

std::string cost_text(const Options& options) {
  const auto& layer = options.layer;
  const Shape kernel = options.kernel_shape();
  const std::int64_t bias = layer.use_bias ? layer.filters : 0;
  std::string text = fmt::format("Parameters     kernel {} * {} * {} * {} = {}", kernel[0], kernel[1], kernel[2],
                                 kernel[3], kernel.numel());
  text += bias > 0 ? fmt::format(", bias {}: {}\n", bias, kernel.numel() + bias) : ", no bias\n";
  text += fmt::format("Multiply-adds  {} input pixels * {} weights = {}\n",
                      options.batch * options.input.height * options.input.width, kernel.numel(),
                      options.geometry().multiply_adds());
  return text;
}

std::string reach_line(const char* name, const std::vector<std::int64_t>& counts) {
  constexpr std::size_t shown = 32;
  const bool cut = counts.size() > shown;
  const auto end = cut ? counts.begin() + shown : counts.end();
  return fmt::format("  {:<7} {}{}\n", name, fmt::join(counts.begin(), end, " "), cut ? " ..." : "");
}

std::string checkerboard(const std::string& name, const Axis& axis) {
  if (even_overlap(axis.kernel, axis.stride, axis.dilation)) return "";
  const auto kernels = nearest_even_kernels(axis.kernel, axis.stride, axis.dilation);
  return fmt::format(
      "  Warning: uneven in {}, which shows as a checkerboard pattern. {}.\n", name,
      kernels.empty() ? fmt::format("No kernel is even at stride {} and dilation rate {}", axis.stride, axis.dilation)
                      : fmt::format("Kernel {} is no multiple of stride {}; the nearest that is even is {}",
                                    axis.kernel, axis.stride, fmt::join(kernels, " or ")));
}

std::string overlap_text(const Options& options) {
  const Axis height = height_of(options), width = width_of(options);
  const auto rows = reach(height), columns = reach(width);
  const auto [fewest_rows, most_rows] = std::minmax_element(rows.begin(), rows.end());
  const auto [fewest_columns, most_columns] = std::minmax_element(columns.begin(), columns.end());
  std::string text = fmt::format("Overlap  {} to {} input pixels reach an output pixel: rows times columns\n",
                                 *fewest_rows * *fewest_columns, *most_rows * *most_columns);
  text += reach_line("height", rows) + reach_line("width", columns);
  const bool alike =
      height.kernel == width.kernel && height.stride == width.stride && height.dilation == width.dilation;
  const std::string warnings =
      alike ? checkerboard("height and width", height) : checkerboard("height", height) + checkerboard("width", width);
  return text + (warnings.empty() ? "  Even: the same number everywhere but at the border.\n" : warnings);
}

}  // namespace

std::string explain(const Options& options) {
  const ConvGeometry geometry = options.geometry();
  const Axis height = height_of(options), width = width_of(options);
  return fmt::format(
             "Conv2DTranspose: input {} -> output {}, kernel {}\n\n"
             "Size     (input - 1) * stride + kernel span - begin - end = output\n",
             shape_text(options, options.input, options.layer.in_channels),
             shape_text(options, geometry.input, options.layer.filters), options.kernel_shape().str()) +
         size_line("height", height) + size_line("width", width) +
         fmt::format("  kernel span = (kernel - 1) * dilation + 1: {}, {}\n", span_line("height", height),
                     span_line("width", width)) +
         crop_text(options) + cost_text(options) + overlap_text(options);
}

}  // namespace conv_transpose
