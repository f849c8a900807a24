#include "wording.hpp"

#include <algorithm>

namespace conv_transpose {
namespace {

using OutputPadding = std::optional<Size2D>;

struct PaddingWords {
  Padding padding;
  OutputPadding output_padding;
  /// A number for each side is much to read, an output_padding some.
  int length() const { return (output_padding ? 1 : 0) + (text_of(padding).find('x') != std::string::npos ? 2 : 0); }
};

/// Every output_padding below the limits, or the given one; one number where both axes have one choice.
std::vector<Size2D> output_paddings(const Options& question, bool shared) {
  const auto& layer = question.layer;
  if (question.given.output_padding) return {*layer.output_padding};
  const std::int64_t rows = std::max(layer.strides.height, layer.dilation_rate.height);
  const std::int64_t columns = std::max(layer.strides.width, layer.dilation_rate.width);
  std::vector<Size2D> all;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = shared ? row : 0; column < (shared ? row + 1 : columns); ++column)
      all.emplace_back(row, column);
  return all;
}

/// Everything that may say it, in the order to be tried.
std::vector<PaddingWords> candidates(const Options& question, const Fit& height, const Fit& width) {
  const auto& [kernel_given, strides_given, padding_given, op_given] = question.given;
  const auto allowed = [&, given = padding_given](const Padding& padding) {
    return !given || padding == question.layer.padding;
  };
  const auto span = [&](std::int64_t kernel, std::int64_t dilation) { return (kernel - 1) * dilation + 1; };
  const std::int64_t rows = span(height.kernel, question.layer.dilation_rate.height);
  const std::int64_t columns = span(width.kernel, question.layer.dilation_rate.width);
  const bool shared = height.begin == width.begin && height.end == width.end && height.stride == width.stride;
  std::vector<PaddingWords> all;
  for (const Padding& padding : {same, valid})
    if (allowed(padding) && !op_given) all.push_back({padding, std::nullopt});
  const auto paddings = output_paddings(question, shared);
  for (const Size2D op : paddings) {
    const Sides numbers{height.begin, height.end + op.height, width.begin, width.end + op.width};
    const bool within = numbers.bottom >= 0 && numbers.right >= 0 && numbers.bottom < rows && numbers.right < columns;
    const bool none = op == Size2D(0) && !op_given;
    if ((padding_given || within) && allowed(numbers))
      all.push_back({numbers, none ? std::nullopt : OutputPadding(op)});
  }
  for (const Padding& padding : {same, valid})
    for (const Size2D op : paddings)
      if (allowed(padding)) all.push_back({padding, op});
  std::stable_sort(all.begin(), all.end(),
                   [](const PaddingWords& a, const PaddingWords& b) { return a.length() < b.length(); });
  return all;
}

}  // namespace

std::vector<Options> wordings(const Options& question, const Fit& height, const Fit& width, std::size_t most) {
  Options worded = question;
  auto& layer = worded.layer;
  layer.kernel_size = {height.kernel, width.kernel};
  layer.strides = {height.stride, width.stride};
  const Sides wanted{height.begin, height.end, width.begin, width.end};
  std::vector<Options> found;
  for (const PaddingWords& words : candidates(worded, height, width)) {
    if (found.size() == most) break;
    layer.padding = words.padding;
    layer.output_padding = words.output_padding;
    try {
      if (worded.geometry().pad == wanted) found.push_back(worded);
    } catch (const ShapeError&) {  // 'same' with output_padding 0 can leave nothing of a single pixel
    }
  }
  return found;
}

}  // namespace conv_transpose
