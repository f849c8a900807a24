#include "search.hpp"

namespace conv_transpose {
namespace {

using OutputPaddings = std::vector<Size2D>;

/// Every output_padding below the limits; one number where both axes have one choice.
OutputPaddings output_paddings(const Options& question, bool shared) {
  const auto& layer = question.layer;
  const std::int64_t rows = std::max(layer.strides.height, layer.dilation_rate.height);
  const std::int64_t columns = std::max(layer.strides.width, layer.dilation_rate.width);
  OutputPaddings all;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = shared ? row : 0; column < (shared ? row + 1 : columns); ++column)
      all.emplace_back(row, column);
  return all;
}

}  // namespace

std::vector<Options> spellings(const Options& question, const Fit& height, const Fit& width) {
  Options spelled = question;
  auto& layer = spelled.layer;
  layer.kernel_size = {height.kernel, width.kernel};
  layer.strides = {height.stride, width.stride};
  const Sides wanted{height.begin, height.end, width.begin, width.end};

  std::vector<Options> found;
  const auto try_padding = [&](Padding padding, std::optional<Size2D> output_padding) {
    layer.padding = padding;
    layer.output_padding = output_padding;
    try {
      if (spelled.geometry().pad == wanted) found.push_back(spelled);
    } catch (const ShapeError&) {  // 'same' with output_padding 0 can leave nothing of a single pixel
    }
  };
  const auto paddings = output_paddings(spelled, height == width);
  for (const Padding& padding : {same, valid})
    if (height.rank == width.rank) try_padding(padding, std::nullopt);
  for (const Size2D op : paddings) {
    const Sides sides{height.begin, height.end + op.height, width.begin, width.end + op.width};
    if (std::min(sides.bottom, sides.right) < 0) continue;
    const std::int64_t span_height = spelled.geometry().span().height, span_width = spelled.geometry().span().width;
    if (sides.bottom >= span_height || sides.right >= span_width) continue;
    try_padding(sides, op == Size2D(0) ? std::nullopt : std::optional<Size2D>(op));
  }
  for (const Padding& padding : {same, valid})
    for (const Size2D op : paddings) try_padding(padding, op);

  // Fewer words first; what was tried first among equals.
  std::stable_sort(found.begin(), found.end(), [](const Options& a, const Options& b) {
    const auto words = [](const Options& options) {
      return (options.layer.output_padding ? 1 : 0) +
             (text_of(options.layer.padding).find('x') != std::string::npos ? 2 : 0);
    };
    return words(a) < words(b);
  });
  return found;
}

}  // namespace conv_transpose
