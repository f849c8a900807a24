#include "page.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/interop/atomic_file.hpp>

#include "embedded.hpp"

namespace conv_transpose {
namespace {

using nlohmann::json;

/// The elements in order.
json numbers(const Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  const Tensor converted = tensor.to(f64);
  return std::vector<double>(converted.span<double>().begin(), converted.span<double>().end());
}

/// The first image of a batch: the one that a picture shows.
Tensor first(const Tensor& images) { return slice(images, 0, 0, 1); }

json pair(Size2D size) { return {size.height, size.width}; }

/// The case in the words of the page's script; the output is there so that the page can be held against it.
json page_case(const Options& options, const Case& given, const Result& result) {
  const auto& layer = options.layer;
  const Sides sides = layer.padding.sides;
  const bool numbered = layer.padding.kind == Padding::Kind::sides;
  return {{"input", pair(options.input)},
          {"images", options.batch},
          {"channels", layer.in_channels},
          {"filters", layer.filters},
          {"kernel", pair(layer.kernel_size)},
          {"strides", pair(layer.strides)},
          {"padding", numbered ? json("sides") : json(text_of(layer.padding))},
          {"sides", {sides.top, sides.left, sides.bottom, sides.right}},
          {"outputPadding", layer.output_padding ? pair(*layer.output_padding) : json(nullptr)},
          {"dilation", pair(layer.dilation_rate)},
          {"groups", layer.groups},
          {"activation", name_of(layer.activation)},
          {"slope", layer.activation.slope},
          {"values", !options.load.empty()              ? "given"
                     : options.values == Values::ones   ? "ones"
                     : options.values == Values::random ? "given"
                                                        : "ramp"},
          {"data",
           {{"input", numbers(first(given.input))}, {"kernel", numbers(given.kernel)}, {"bias", numbers(given.bias)}}},
          {"output", numbers(first(result.output))}};
}

std::string replaced(std::string_view text, std::string_view mark, std::string_view by) {
  const std::size_t at = text.find(mark);
  return std::string(text.substr(0, at)).append(by).append(text.substr(at + mark.size()));
}

}  // namespace

void check_drawable(const Options& options) {
  constexpr std::int64_t most_side = 128, most_numbers = 1 << 20;
  const Size2D drawn = options.natural_size(), output = options.geometry().input;
  const std::int64_t side = std::max({drawn.height, drawn.width, output.height, output.width});
  if (side > most_side)
    raise<ValueError>(
        "conv_transpose",
        "a picture shows every number, of {} output pixels before the crop here; the most it draws is {}: "
        "take a smaller --input-shape",
        text_of(drawn), text_of(Size2D(most_side)));
  const auto& layer = options.layer;
  const std::int64_t numbers = options.input.height * options.input.width * layer.in_channels +
                               options.kernel_shape().numel() + drawn.height * drawn.width * layer.filters;
  if (numbers > most_numbers)
    raise<ValueError>("conv_transpose",
                      "a picture holds at most {} numbers (2^20), {} channels and {} filters make it {}: take fewer",
                      most_numbers, layer.in_channels, layer.filters, numbers);
}

void write_page(const Options& options, const Case& given, const Result& result) {
  std::string page = replaced(embedded::page_html, "/*style*/", embedded::page_css);
  page = replaced(page, "/*arithmetic*/", embedded::arithmetic_js);
  page = replaced(page, "/*page*/", embedded::page_js);
  page = replaced(page, "/*case*/", page_case(options, given, result).dump());
  write_whole(options.html, page);
}

}  // namespace conv_transpose
