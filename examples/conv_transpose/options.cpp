#include "options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/ops/activation.hpp>
#include <tessera/layers/option_checks.hpp>

#include "search.hpp"

namespace conv_transpose {
namespace {

/// More numbers than this nobody can look at; they still fit in any machine's memory.
constexpr double most_numbers = 1 << 26;

double product(Size2D size, std::int64_t a, std::int64_t b) {
  return static_cast<double>(size.height) * static_cast<double>(size.width) * static_cast<double>(a) *
         static_cast<double>(b);
}

/// The largest sizes of this form that stay within the limit.
Size2D nearest_small(Size2D size, std::int64_t a, std::int64_t b) {
  const double scale = std::sqrt(most_numbers / product(size, a, b)), room = most_numbers / product(1, a, b);
  const double height = std::max(1.0, std::floor(static_cast<double>(size.height) * scale));
  const double width = std::max(1.0, std::min(std::floor(static_cast<double>(size.width) * scale), room / height));
  return {static_cast<std::int64_t>(std::min(height, room)), static_cast<std::int64_t>(width)};
}

void check_small(const char* what, Size2D size, std::int64_t a, std::int64_t b) {
  if (product(size, a, b) <= most_numbers) return;
  raise<ValueError>("conv_transpose", "{} {} x {} x {} is more than the {:.0f} numbers (2^26) this program takes; {}",
                    what, text_of(size), a, b, most_numbers,
                    product(1, a, b) > most_numbers
                        ? fmt::format("the nearest channel count that fits is {:.0f}",
                                      std::max(1.0, most_numbers / product(size, a, 1)))
                        : "the nearest size that fits is " + text_of(nearest_small(size, a, b)));
}

void check_not_negative(const char* option, const Sides& sides) {
  const std::int64_t least = std::min({sides.top, sides.bottom, sides.left, sides.right});
  if (least < 0) raise<ValueError>(option, "must be 0 or more, got {}; the nearest valid value is 0", least);
}

/// ValueError where what is given makes the search too wide, or leaves it nothing.
void check_search(const Options& options) {
  constexpr std::int64_t most_kernel = 64, most_stride = 16, most_dilation = 8;
  const auto& layer = options.layer;
  const auto limit = [](const char* option, Size2D size, std::int64_t most) {
    const std::int64_t largest = std::max(size.height, size.width);
    if (largest > most)
      raise<ValueError>(option, "--solve searches up to {}, got {}; the nearest valid value is {}", most, largest,
                        most);
  };
  limit("--kernel-size", layer.kernel_size, most_kernel);
  limit("--strides", layer.strides, most_stride);
  limit("--dilation-rate", layer.dilation_rate, most_dilation);
  if (!layer.output_padding) return;
  const auto axis = [&](std::int64_t op, std::int64_t stride, std::int64_t dilation) {
    const std::int64_t least = std::max(options.given.strides ? stride : Search::most_stride, dilation);
    if (op < 0 || op >= least)
      raise<ValueError>("--output-padding",
                        "{} must be at least 0 and below the larger of strides {}and dilation rate {}; the nearest "
                        "valid value is {}",
                        op, options.given.strides ? fmt::format("{} ", stride) : fmt::format("(up to {}) ", least),
                        dilation, std::clamp<std::int64_t>(op, 0, least - 1));
  };
  axis(layer.output_padding->height, layer.strides.height, layer.dilation_rate.height);
  axis(layer.output_padding->width, layer.strides.width, layer.dilation_rate.width);
}

}  // namespace

void check_positive(const char* option, std::int64_t value) {
  if (value < 1) raise<ValueError>(option, "must be 1 or more, got {}; the nearest valid value is 1", value);
}

void check_positive(const char* option, Size2D size) { check_positive(option, std::min(size.height, size.width)); }

void check(const Options& options) {
  const auto& layer = options.layer;
  check_positive("--input-shape", std::min({options.input.height, options.input.width, layer.in_channels}));
  check_positive("--batch", options.batch);
  check_positive("--filters", layer.filters);
  check_positive("--kernel-size", layer.kernel_size);
  check_positive("--strides", layer.strides);
  check_positive("--dilation-rate", layer.dilation_rate);
  check_not_negative("--padding", layer.padding.sides);
  for (const auto& wish : {options.solve, options.expect})
    if (wish) {
      check_positive(wish == options.solve ? "--solve" : "--expect", *wish);
      check_small("a wish of", *wish, 1, layer.filters);
    }
  detail::require_groups("conv_transpose", layer.groups,
                         {{"in_channels", layer.in_channels}, {"filters", layer.filters}});
  check_small("an input of", options.input, layer.in_channels, options.batch);
  check_small("a kernel of", layer.kernel_size, layer.filters / layer.groups, layer.in_channels);
  if (options.solve) return check_search(options);
  check_small("sums before the crop of", options.natural_size(), layer.filters, options.batch);
  check_small("an output of", options.geometry().input, layer.filters, options.batch);
}

Size2D Options::natural_size() const {
  ConvTransposeOptions natural = op();
  natural.padding = valid;
  natural.output_padding = 0;
  return conv2d_transpose_geometry(input_shape(), kernel_shape(), natural).input;
}

std::string text_of(Size2D size) { return fmt::format("{}x{}", size.height, size.width); }

std::string input_text(const Options& options) {
  return options.layer.data_format == channels_first
             ? fmt::format("{}x{}", options.layer.in_channels, text_of(options.input))
             : fmt::format("{}x{}", text_of(options.input), options.layer.in_channels);
}

std::string shape_text(const Options& options, Size2D image, std::int64_t channels) {
  if (options.layer.data_format == channels_first)
    return Shape{options.batch, channels, image.height, image.width}.str();
  return Shape{options.batch, image.height, image.width, channels}.str();
}

std::string text_of(const Padding& padding) {
  if (padding == same) return "same";
  if (padding == valid) return "valid";
  const auto [top, bottom, left, right] = padding.sides;
  if (top == bottom && top == left && top == right) return fmt::format("{}", top);
  return fmt::format("{}x{}x{}x{}", top, left, bottom, right);
}

namespace {

/// "conv_transpose --input-shape 4x4x3 --filters 3", the words of the layer, and what else is not as by default.
std::string command(const Options& options, const std::string& words) {
  const auto& layer = options.layer;
  std::string text =
      fmt::format("conv_transpose --input-shape {} --filters {}{}", input_text(options), layer.filters, words);
  const auto add = [&](bool wanted, const std::string& more) {
    if (wanted) text += " --" + more;
  };
  add(layer.dilation_rate != 1, "dilation-rate " + layer.dilation_rate.str());
  add(layer.groups != 1, fmt::format("groups {}", layer.groups));
  add(!layer.use_bias, "no-bias");
  add(layer.activation != activation::linear, fmt::format("activation {}", name_of(layer.activation)));
  add(layer.data_format == channels_first, "data-format channels_first");
  add(options.batch != 1, fmt::format("batch {}", options.batch));
  return text;
}

}  // namespace

std::string command_of(const Options& options) {
  const auto& layer = options.layer;
  return command(options, fmt::format(" --kernel-size {} --strides {} --padding {}{}", layer.kernel_size.str(),
                                      layer.strides.str(), text_of(layer.padding),
                                      layer.output_padding ? " --output-padding " + layer.output_padding->str() : ""));
}

std::string question_of(const Options& options) { return command(options, ""); }

}  // namespace conv_transpose
