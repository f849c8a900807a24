#include "matrices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace conv_transpose {
namespace {

constexpr std::int64_t shown_whole = 20, shown_end = 8;  // rows and columns
constexpr std::size_t page_width = 120;
constexpr std::int64_t shown_channels = 4;

/// A title and the lines below it.
using Block = std::vector<std::string>;
using Element = std::function<double(std::int64_t row, std::int64_t column)>;

/// The places of an axis that are shown; -1 where some are left out.
std::vector<std::int64_t> places(std::int64_t size, bool full) {
  std::vector<std::int64_t> shown;
  const bool cut = !full && size > shown_whole;
  for (std::int64_t i = 0; i < size; ++i) {
    if (cut && i == shown_end) {
      shown.push_back(-1);
      i = size - shown_end;
    }
    shown.push_back(i);
  }
  return shown;
}

Block matrix(const std::string& title, Size2D size, bool full, const Element& element) {
  const auto rows = places(size.height, full), columns = places(size.width, full);
  std::vector<std::string> cells;
  std::size_t width = 1;
  for (const auto row : rows)
    for (const auto column : columns) {
      cells.push_back(row < 0 || column < 0 ? "..." : number_text(element(row, column)));
      width = std::max(width, cells.back().size());
    }
  Block block{title};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::string line;
    for (std::size_t column = 0; column < columns.size(); ++column)
      line += fmt::format("{}{:>{}}", column == 0 ? "" : " ", cells[row * columns.size() + column], width);
    block.push_back("  " + line);
  }
  return block;
}

/// Blocks beside each other as far as a line holds, all of the same height.
std::string beside(const std::vector<Block>& blocks) {
  std::string text;
  for (std::size_t first = 0; first < blocks.size();) {
    std::vector<std::size_t> widths;
    std::size_t total = 0, last = first;
    for (; last < blocks.size(); ++last) {
      std::size_t width = 0;
      for (const auto& line : blocks[last]) width = std::max(width, line.size());
      if (last > first && total + width > page_width) break;
      widths.push_back(width);
      total += width + 3;
    }
    for (std::size_t line = 0; line < blocks[first].size(); ++line) {
      std::string row;
      for (std::size_t i = first; i < last; ++i)
        row += fmt::format("{:<{}}", blocks[i][line], widths[i - first] + (i + 1 < last ? 3 : 0));
      text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
    }
    first = last;
  }
  return text;
}

std::string left_out(std::int64_t count, const char* what) {
  return count > 0 ? fmt::format("({} left out: {}; --full prints all)\n", what, count) : "";
}

/// The images of [N, H, W, C], a matrix for each channel.
std::string images(const char* name, const Tensor& tensor, bool full) {
  const std::int64_t batch = full ? tensor.size(0) : 1, channels = tensor.size(3);
  const std::int64_t shown = full ? channels : std::min(channels, shown_channels);
  std::string text;
  for (std::int64_t image = 0; image < batch; ++image) {
    std::vector<Block> blocks;
    for (std::int64_t channel = 0; channel < shown; ++channel)
      blocks.push_back(
          matrix(fmt::format("{}{}, channel {}", name, tensor.size(0) > 1 ? fmt::format(" {}", image) : "", channel),
                 {tensor.size(1), tensor.size(2)}, full, [&](std::int64_t row, std::int64_t column) {
                   return tensor.at({image, row, column, channel});
                 }));
    text += beside(blocks);
  }
  return text + left_out(channels - shown, "channels") + left_out(tensor.size(0) - batch, "images");
}

/// A kernel [kh, kw, filters / groups, in]: the planes of a filter beside each other, one per input channel.
std::string kernels(const Options& options, const Tensor& kernel) {
  const auto& layer = options.layer;
  const std::int64_t group_inputs = layer.in_channels / layer.groups, group_filters = layer.filters / layer.groups;
  const std::int64_t filters = options.full ? layer.filters : std::min(layer.filters, shown_channels);
  const std::int64_t inputs = options.full ? group_inputs : std::min(group_inputs, shown_channels);
  std::string text;
  for (std::int64_t filter = 0; filter < filters; ++filter) {
    const std::int64_t first = filter / group_filters * group_inputs;
    std::vector<Block> blocks;
    for (std::int64_t input = first; input < first + inputs; ++input)
      blocks.push_back(matrix(fmt::format("kernel, channel {} to filter {}", input, filter), layer.kernel_size,
                              options.full, [&](std::int64_t row, std::int64_t column) {
                                return kernel.at({row, column, filter % group_filters, input});
                              }));
    text += beside(blocks);
  }
  return text + left_out(layer.filters - filters, "filters") +
         left_out(group_inputs - inputs, "channels of each filter");
}

std::string biases(const Tensor& bias, bool full) {
  std::string text = "bias";
  for (const auto place : places(bias.numel(), full)) text += " " + (place < 0 ? "..." : number_text(bias.at({place})));
  return text + "\n";
}

}  // namespace

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e10) return fmt::format("{:.0f}", value == 0 ? 0 : value);
  return std::abs(value) < 1e-3 || std::abs(value) >= 1e6 ? fmt::format("{:.3e}", value) : fmt::format("{:.4f}", value);
}

std::string matrices(const Options& options, const Case& given, const Result& result) {
  std::string text = images("input", given.input, options.full) + "\n" + kernels(options, given.kernel) + "\n";
  if (given.bias.defined()) text += biases(given.bias, options.full) + "\n";
  return text + images("output", result.output, options.full);
}

}  // namespace conv_transpose
