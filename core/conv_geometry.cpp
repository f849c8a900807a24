#include <algorithm>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/error.hpp>

namespace tessera {
namespace {

using std::int64_t;

/// One axis of a convolution, with the names that errors use.
struct Axis {
  const char* op;
  const char* name;  // "height" or "width"
  int64_t input, kernel, stride, dilation;
  int64_t span() const { return (kernel - 1) * dilation + 1; }
};

struct Placement {
  int64_t output, begin, end;
};

void check_axis(const Axis& axis) {
  const auto positive = [&](const char* what, int64_t value) {
    if (value < 1) raise<ShapeError>(axis.op, "{} {} must be 1 or more, got {}", what, axis.name, value);
  };
  positive("kernel", axis.kernel);
  positive("stride", axis.stride);
  positive("dilation rate", axis.dilation);
  constexpr int64_t limit = int64_t{1} << 31;
  if (axis.input >= limit || axis.kernel >= limit / axis.dilation || axis.stride >= limit)
    raise<ShapeError>(axis.op, "{} {}, kernel {}, stride {}, dilation rate {}: sizes must stay below 2^31", axis.name,
                      axis.input, axis.kernel, axis.stride, axis.dilation);
}

void check_sides(const char* op, const Sides& sides) {
  if (std::min({sides.top, sides.bottom, sides.left, sides.right}) < 0)
    raise<ShapeError>(op, "padding must be 0 or more on every side, got top {}, bottom {}, left {}, right {}",
                      sides.top, sides.bottom, sides.left, sides.right);
}

Placement place_convolution(const Axis& axis, Padding::Kind kind, int64_t begin, int64_t end) {
  check_axis(axis);
  const int64_t n = axis.input, s = axis.stride, span = axis.span();
  if (kind == Padding::Kind::same) {
    const int64_t output = (n + s - 1) / s;
    const int64_t total = std::max<int64_t>((output - 1) * s + span - n, 0);
    return {output, total / 2, total - total / 2};
  }
  if (kind == Padding::Kind::valid) begin = end = 0;
  if (n + begin + end < span)
    raise<ShapeError>(axis.op,
                      "the kernel spans {} pixels in {} (kernel {}, dilation rate {}) but the padded input has only {} "
                      "({} + {} + {}); the smallest input that fits is {}",
                      span, axis.name, axis.kernel, axis.dilation, n + begin + end, n, begin, end,
                      std::max<int64_t>(span - begin - end, 1));
  return {(n + begin + end - span) / s + 1, begin, end};
}

/// Where the output of a transposed convolution begins and ends within the natural one; the rules stand in
/// docs/design.md, decision 3.
Placement place_transposed(const Axis& axis, Padding::Kind kind, int64_t begin, int64_t end,
                           std::optional<int64_t> output_padding, std::optional<int64_t> output_size) {
  check_axis(axis);
  const int64_t s = axis.stride, span = axis.span(), natural = (axis.input - 1) * s + span;
  if (kind == Padding::Kind::valid) begin = end = 0;
  if (output_padding && output_size) raise<ShapeError>(axis.op, "give output_padding or an output size, not both");
  if (output_padding) {
    const int64_t op = *output_padding, limit = std::max(s, axis.dilation);
    if (op < 0 || op >= limit)
      raise<ShapeError>(axis.op,
                        "output_padding {} on the {} axis must be at least 0 and below the larger of stride {} and "
                        "dilation rate {}; the nearest valid value is {}",
                        op, axis.name, s, axis.dilation, std::clamp<int64_t>(op, 0, limit - 1));
  }
  if (output_size) {
    const int64_t smallest = kind == Padding::Kind::same ? (axis.input - 1) * s + 1 : natural - begin - end;
    if (*output_size < smallest || *output_size > smallest + s - 1)
      raise<ShapeError>(axis.op, "an output {} of {} was asked for, but input {} gives only {} to {}", axis.name,
                        *output_size, axis.input, smallest, smallest + s - 1);
    if (kind == Padding::Kind::same) begin = std::max<int64_t>(natural - *output_size, 0) / 2;
    end = natural - *output_size - begin;
  } else if (kind == Padding::Kind::same && output_padding) {
    const int64_t total = span + span % 2 - 2 + *output_padding;
    const int64_t left = std::min((total + 1) / 2, span - 1);
    begin = span - 1 - left;
    end = span - 1 - (total - left);
  } else if (kind == Padding::Kind::same) {
    begin = std::max<int64_t>(span - s, 0) / 2;
    end = span - s - begin;
  } else if (kind == Padding::Kind::valid) {
    end = output_padding ? -*output_padding : span - std::max(span, s);
  } else {
    end -= output_padding.value_or(0);
  }
  const int64_t output = natural - begin - end;
  if (output < 1)
    raise<ShapeError>(axis.op, "the output {} would be {}: ({} - 1) * {} + {} - {} - {}; crop at most {} pixels in all",
                      axis.name, output, axis.input, s, span, begin, end, natural - 1);
  return {output, begin, end};
}

void check_ranks(const char* op, const Shape& input, const Shape& kernel, const char* kernel_form) {
  if (input.rank() != 4) raise<ShapeError>(op, "expected an input [N, H, W, C], got {}", input.str());
  if (kernel.rank() != 4) raise<ShapeError>(op, "expected a kernel {}, got {}", kernel_form, kernel.str());
}

/// Groups must divide both channel counts, and the kernel's share of channels must match the input's.
void check_channels(const char* op, const Shape& input, const Shape& kernel, int64_t groups, int64_t expected,
                    int64_t filters) {
  if (groups < 1) raise<ShapeError>(op, "groups must be 1 or more, got {}", groups);
  if (expected != input[3])
    raise<ShapeError>(op, "expected input [N, H, W, {}] for kernel {}{}, got {}: {} channels instead of {}", expected,
                      kernel.str(), groups > 1 ? fmt::format(" in {} groups", groups) : "", input.str(), input[3],
                      expected);
  if (expected % groups != 0 || filters % groups != 0)
    raise<ShapeError>(op, "groups {} must divide both the {} input channels and the {} filters", groups, expected,
                      filters);
}

Sides sides_of(const Placement& rows, const Placement& columns) {
  return {rows.begin, rows.end, columns.begin, columns.end};
}

}  // namespace

std::string Size2D::str() const {
  return height == width ? fmt::format("{}", height) : fmt::format("{}x{}", height, width);
}

int64_t ConvGeometry::multiply_adds() const {
  return batch * output.height * output.width * out_channels * kernel.height * kernel.width * (in_channels / groups);
}

Attributes ConvGeometry::attributes() const {
  using List = std::vector<int64_t>;
  return {{"kernel_size", List{kernel.height, kernel.width}},
          {"strides", List{stride.height, stride.width}},
          {"pads", List{pad.top, pad.left, pad.bottom, pad.right}},
          {"dilation_rate", List{dilation.height, dilation.width}},
          {"groups", groups}};
}

ConvGeometry conv2d_geometry(const Shape& input, const Shape& kernel, const ConvOptions& options, const char* op) {
  check_ranks(op, input, kernel, "[kh, kw, in/groups, filters]");
  check_channels(op, input, kernel, options.groups, kernel[2] * options.groups, kernel[3]);
  check_sides(op, options.padding.sides);
  const auto [strides, padding, dilation, groups] = options;
  const Placement rows = place_convolution({op, "height", input[1], kernel[0], strides.height, dilation.height},
                                           padding.kind, padding.sides.top, padding.sides.bottom);
  const Placement columns = place_convolution({op, "width", input[2], kernel[1], strides.width, dilation.width},
                                              padding.kind, padding.sides.left, padding.sides.right);
  return {.batch = input[0],
          .input = {input[1], input[2]},
          .output = {rows.output, columns.output},
          .in_channels = input[3],
          .out_channels = kernel[3],
          .kernel = {kernel[0], kernel[1]},
          .stride = strides,
          .dilation = dilation,
          .groups = groups,
          .pad = sides_of(rows, columns)};
}

ConvGeometry conv2d_transpose_geometry(const Shape& input, const Shape& kernel, const ConvTransposeOptions& options) {
  const char* op = "conv2d_transpose";
  check_ranks(op, input, kernel, "[kh, kw, filters/groups, in]");
  check_channels(op, input, kernel, options.groups, kernel[3], kernel[2] * options.groups);
  check_sides(op, options.padding.sides);
  const auto axis_of = [](const std::optional<Size2D>& size, int64_t Size2D::*axis) {
    return size ? std::optional<int64_t>((*size).*axis) : std::nullopt;
  };
  const Sides& sides = options.padding.sides;
  const Placement rows =
      place_transposed({op, "height", input[1], kernel[0], options.strides.height, options.dilation_rate.height},
                       options.padding.kind, sides.top, sides.bottom, axis_of(options.output_padding, &Size2D::height),
                       axis_of(options.output_size, &Size2D::height));
  const Placement columns =
      place_transposed({op, "width", input[2], kernel[1], options.strides.width, options.dilation_rate.width},
                       options.padding.kind, sides.left, sides.right, axis_of(options.output_padding, &Size2D::width),
                       axis_of(options.output_size, &Size2D::width));
  return {.batch = input[0],
          .input = {rows.output, columns.output},
          .output = {input[1], input[2]},
          .in_channels = kernel[2] * options.groups,
          .out_channels = input[3],
          .kernel = {kernel[0], kernel[1]},
          .stride = options.strides,
          .dilation = options.dilation_rate,
          .groups = options.groups,
          .pad = sides_of(rows, columns)};
}

}  // namespace tessera
