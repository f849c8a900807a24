#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <tessera/core/ops/activation.hpp>
#include <vector>

#include "case.hpp"
#include "options.hpp"

namespace conv_transpose {
namespace {

constexpr std::int64_t largest_number = 1'000'000'000;

/// The whole numbers of "4x4x3"; ValueError unless there are as many as one of `counts`.
std::vector<std::int64_t> numbers(const std::string& option, const std::string& text, std::vector<std::size_t> counts,
                                  const char* example) {
  std::vector<std::int64_t> values;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (bool good = true; good;) {
    std::int64_t value = 0;
    const auto [after, error] = std::from_chars(at, end, value);
    good = error == std::errc() && value <= largest_number && value >= -largest_number;
    if (good) values.push_back(value);
    if (good && after == end && std::find(counts.begin(), counts.end(), values.size()) != counts.end()) return values;
    good = good && after != end && *after == 'x';
    at = after + 1;
  }
  raise<ValueError>(option, "expected whole numbers up to 10^9 such as {}, got '{}'", example, text);
}

Size2D size(const std::string& option, const std::string& text) {
  const auto values = numbers(option, text, {1, 2}, "5 or 5x3");
  return {values[0], values.back()};
}

Padding padding(const std::string& text) {
  if (text == "same") return same;
  if (text == "valid") return valid;
  const auto sides = numbers("--padding", text, {1, 4}, "1 or 0x0x1x1 (top, left, bottom, right), or same or valid");
  if (sides.size() == 1) return Padding(sides[0]);
  return Padding(Sides{.top = sides[0], .bottom = sides[2], .left = sides[1], .right = sides[3]});
}

/// The command line as text, before it means anything.
struct Words {
  std::string input_shape, kernel_size, strides, padding, output_padding, dilation_rate = "1";
  std::string activation = "linear", data_format = "channels_last", values = "ramp", solve, expect;
  std::optional<std::int64_t> filters;
  bool no_bias = false;
};

void add_options(CLI::App& app, Words& words, Options& options) {
  const auto help = [](const char* text) { return std::string(text); };
  app.add_option("--input-shape", words.input_shape, help("height x width x channels, such as 4x4x3"));
  app.add_option("--batch", options.batch, help("images (1)"));
  app.add_option("--filters", words.filters, help("channels of the output (as many as the input has)"));
  app.add_option("--kernel-size", words.kernel_size, help("5 or 5x3"));
  app.add_option("--strides", words.strides, help("output pixels from one tile to the next (1)"));
  app.add_option("--padding", words.padding, help("what is cropped: same, valid, N, or TOPxLEFTxBOTTOMxRIGHT (valid)"));
  app.add_option("--output-padding", words.output_padding, help("rows and columns more at the end"));
  app.add_option("--dilation-rate", words.dilation_rate, help("distance between the kernel's taps (1)"));
  app.add_option("--groups", options.layer.groups, help("parts that the channels are split into (1)"));
  app.add_flag("--no-bias", words.no_bias, help("no number added to each output channel"));
  app.add_option("--activation", words.activation, help("relu, sigmoid, ... (linear)"));
  app.add_option("--data-format", words.data_format, help("channels_last or channels_first, how shapes are written"));
  auto* values = app.add_option("--values", words.values, help("ones, ramp or random (ramp)"));
  app.add_option("--seed", options.seed, help("of the random values (0)"));
  auto* load =
      app.add_option("--load", options.load,
                     help("safetensors file with input [N, H, W, C], kernel [kh, kw, filters / groups, C], and "
                          "where wanted bias and output_grad"));
  auto* save = app.add_option("--save", options.save, help("safetensors file for the output and the gradients"));
  auto* verify = app.add_flag("--verify", options.verify, help("compute the output in four ways and compare"));
  auto* solve = app.add_option(
      "--solve", words.solve,
      help("16x16: which parameters give this output? Those given beside it stay; the others are searched"));
  app.add_option("--limit", options.limit, help("lines of each kind that --solve prints (12)"))
      ->check(CLI::PositiveNumber);
  auto* expect = app.add_option("--expect", words.expect, help("12x12: do these parameters give it, and what would?"));
  auto* compare = app.add_flag("--compare", options.compare, help("the same layer in Keras, PyTorch and ONNX"));
  auto* html = app.add_option("--html", options.html, help("write a page that shows it happening"));
  auto* svg = app.add_option("--svg", options.svg, help("draw the steps as one picture"));
  app.add_flag("--full", options.full, help("print everything, however large"));
  values->excludes(load);
  for (auto* of_one_layer : {load, save, verify, expect, compare, html, svg}) solve->excludes(of_one_layer);
}

void read(const Words& words, Options& options) {
  auto& layer = options.layer;
  options.given = {!words.kernel_size.empty(), !words.strides.empty(), !words.padding.empty(),
                   !words.output_padding.empty()};
  if (options.given.strides) layer.strides = size("--strides", words.strides);
  if (options.given.padding) layer.padding = padding(words.padding);
  layer.dilation_rate = size("--dilation-rate", words.dilation_rate);
  if (words.filters) check_positive("--filters", *words.filters);
  layer.filters = words.filters.value_or(0);  // complete() or the file to load says how many
  layer.use_bias = !words.no_bias;
  layer.activation = activation_named(words.activation);
  if (options.given.output_padding) layer.output_padding = size("--output-padding", words.output_padding);
  if (!words.solve.empty()) options.solve = size("--solve", words.solve);
  if (!words.expect.empty()) options.expect = size("--expect", words.expect);

  if (words.data_format == "channels_first")
    layer.data_format = channels_first;
  else if (words.data_format != "channels_last")
    raise<ValueError>("--data-format", "expected channels_last or channels_first, got '{}'", words.data_format);

  if (words.values == "ones")
    options.values = Values::ones;
  else if (words.values == "random")
    options.values = Values::random;
  else if (words.values != "ramp")
    raise<ValueError>("--values", "expected ones, ramp or random, got '{}'", words.values);

  if (!words.input_shape.empty()) {
    auto shape = numbers("--input-shape", words.input_shape, {3}, "4x4x3");
    if (layer.data_format == channels_first) std::rotate(shape.begin(), shape.begin() + 1, shape.end());
    options.input = {shape[0], shape[1]};
    layer.in_channels = shape[2];
  }
  if (options.given.kernel_size) layer.kernel_size = size("--kernel-size", words.kernel_size);
}

/// What a file does not say must stand on the command line.
void complete(const Words& words, Options& options) {
  if (!options.load.empty()) return read_shapes(options);
  if (words.input_shape.empty()) raise<ValueError>("--input-shape", "is required, such as --input-shape 4x4x3");
  if (words.kernel_size.empty() && !options.solve)
    raise<ValueError>("--kernel-size", "is required, such as --kernel-size 3; or ask --solve 16x16 for the choices");
  if (options.layer.filters == 0) options.layer.filters = options.layer.in_channels;
  if (!options.given.kernel_size) options.layer.kernel_size = 1;
}

}  // namespace

std::optional<Options> parse(int argc, const char* const* argv) {
  CLI::App app(
      "What do the parameters of a transposed convolution (Conv2DTranspose) do? Prints the size rule with its "
      "numbers,\n"
      "what is cropped, how input pixels overlap, and input, kernel and output.");
  app.footer(R"(
Each input pixel lays the kernel, times its value, on the output, strides pixels from the tile of its neighbour; tiles
that overlap add up, and padding crops the rim:
  output = (input - 1) * strides + (kernel_size - 1) * dilation_rate + 1 - cropped + output_padding

Examples:
  conv_transpose --input-shape 4x4x3 --filters 3 --kernel-size 5 --strides 4 --padding same
  conv_transpose --input-shape 4x4x3 --filters 3 --solve 16x16         which parameters give 16x16?
  conv_transpose --input-shape 4x4x3 --kernel-size 5 --strides 2 --padding same --expect 12x12
  conv_transpose --input-shape 4x4x3 --kernel-size 5 --strides 4 --padding same --compare
  conv_transpose --input-shape 4x4x1 --kernel-size 3 --strides 2 --html page.html
  conv_transpose --load case.safetensors --strides 2 --save out.safetensors)");
  Words words;
  Options options;
  add_options(app, words, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw ValueError(error.what());
  }
  read(words, options);
  complete(words, options);
  return options;
}

}  // namespace conv_transpose
