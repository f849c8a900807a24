#include <algorithm>
#include <array>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/train/pictures.hpp>

namespace tessera {
namespace {

constexpr Rgb unlabeled = {224, 224, 224}, wrong = {214, 39, 40};

std::uint8_t to_byte(double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255)); }

/// A colour by hue from 0 to 1 and brightness, fully saturated up to `floor`.
Rgb from_hue(double hue, double brightness, double floor) {
  Rgb color{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double turn = hue * 6 - 2 * static_cast<double>(c);
    const double distance = std::abs(std::remainder(turn, 6.0));  // in sixths of the circle, from this channel's hue
    color[c] = to_byte(brightness * std::clamp(2 - distance, floor, 1.0));
  }
  return color;
}

const Rgb& color_of(std::int32_t label, const std::vector<Rgb>& colors) {
  return label >= 0 && static_cast<std::size_t>(label) < colors.size() ? colors[static_cast<std::size_t>(label)]
                                                                       : unlabeled;
}

/// The picture made smaller by `factor`, each pixel by `pick(first pixel, pixels in a row, rows, columns)`.
template <class Pick>
Tensor shrunk_by(const Tensor& picture, std::int64_t factor, const Pick& pick) {
  const std::int64_t height = picture.size(0), width = picture.size(1);
  const std::int64_t rows = (height + factor - 1) / factor, columns = (width + factor - 1) / factor;
  Tensor result = Tensor::empty({rows, columns, 3}, u8);
  auto* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x)
      for (std::int64_t c = 0; c < 3; ++c)
        *out++ = pick(picture.data<std::uint8_t>() + (y * factor * width + x * factor) * 3 + c, width,
                      std::min(factor, height - y * factor), std::min(factor, width - x * factor));
  return result;
}

std::int64_t shrinking_factor(const Tensor& picture, std::int64_t side) {
  return (std::max(picture.size(0), picture.size(1)) + side - 1) / side;
}

}  // namespace

std::vector<Rgb> class_colors(std::int64_t classes) {
  constexpr double golden = 0.61803398875;  // steps of it around the circle stay apart however many there are
  constexpr std::array<double, 3> brightness = {1.0, 0.8, 0.6}, floor = {0.15, 0.3, 0.0};
  std::vector<Rgb> colors;
  for (std::int64_t k = 0; k < classes; ++k) {
    const double hue = 0.02 + golden * static_cast<double>(k - 1);
    const auto ring = static_cast<std::size_t>((k - 1) / 5 % 3);
    colors.push_back(k == 0 ? Rgb{0, 0, 0} : from_hue(hue - std::floor(hue), brightness[ring], floor[ring]));
  }
  return colors;
}

std::vector<Rgb> class_colors(const Labels& labels) {
  std::vector<Rgb> colors = class_colors(labels.classes);
  std::copy_n(labels.colors.begin(), std::min(labels.colors.size(), colors.size()), colors.begin());
  for (const auto& [color, label] : labels.encoding.colors)
    if (label >= 0 && label < labels.classes) colors[static_cast<std::size_t>(label)] = color;
  return colors;
}

Tensor colored(const Tensor& mask, const std::vector<Rgb>& colors) {
  Tensor picture = Tensor::empty({mask.size(0), mask.size(1), 3}, u8);
  auto* out = picture.mutable_data<std::uint8_t>();
  for (const std::int32_t label : mask.span<std::int32_t>()) out = std::copy_n(color_of(label, colors).data(), 3, out);
  return picture;
}

Tensor visible(const Tensor& image) {
  const std::int64_t channels = image.size(2);
  Tensor picture = Tensor::empty({image.size(0), image.size(1), 3}, u8);
  auto* out = picture.mutable_data<std::uint8_t>();
  const float* in = image.data<float>();
  for (std::int64_t i = 0; i < image.numel(); i += channels)
    for (std::int64_t c = 0; c < 3; ++c) *out++ = to_byte(in[i + (channels >= 3 ? c : 0)]);
  return picture;
}

Tensor overlay(const Tensor& image, const Tensor& mask, const std::vector<Rgb>& colors) {
  if (mask.rank() != 2 || image.rank() != 3 || image.size(0) != mask.size(0) || image.size(1) != mask.size(1))
    raise<ShapeError>("overlay", "expected a mask of the image's size, got image {} and mask {}", image.shape().str(),
                      mask.shape().str());
  Tensor picture = visible(image);
  auto* out = picture.mutable_data<std::uint8_t>();
  for (const std::int32_t label : mask.span<std::int32_t>()) {
    if (label != 0)
      for (std::size_t c = 0; c < 3; ++c)
        out[c] = static_cast<std::uint8_t>((out[c] + color_of(label, colors)[c] + 1) / 2);
    out += 3;
  }
  return picture;
}

Tensor error_map(const Tensor& image, const Tensor& truth, const Tensor& prediction, std::int32_t ignore_index) {
  if (truth.shape() != prediction.shape() || image.size(0) != truth.size(0) || image.size(1) != truth.size(1))
    raise<ShapeError>("error_map", "expected image, truth and prediction of one size, got {}, {} and {}",
                      image.shape().str(), truth.shape().str(), prediction.shape().str());
  Tensor picture = visible(image);
  auto* out = picture.mutable_data<std::uint8_t>();
  const auto* is = truth.data<std::int32_t>();
  const auto* seen = prediction.data<std::int32_t>();
  for (std::int64_t i = 0; i < truth.numel(); ++i, out += 3) {
    const auto pale = static_cast<std::uint8_t>(255 - (255 * 3 - out[0] - out[1] - out[2]) / 3 / 2);
    const Rgb color = is[i] == ignore_index ? unlabeled : is[i] != seen[i] ? wrong : Rgb{pale, pale, pale};
    std::copy_n(color.data(), 3, out);
  }
  return picture;
}

Tensor shrunk(const Tensor& picture, std::int64_t side) {
  return shrunk_by(picture, shrinking_factor(picture, side),
                   [](const std::uint8_t* first, std::int64_t width, std::int64_t rows, std::int64_t columns) {
                     std::int64_t sum = rows * columns / 2;
                     for (std::int64_t y = 0; y < rows; ++y)
                       for (std::int64_t x = 0; x < columns; ++x) sum += first[(y * width + x) * 3];
                     return static_cast<std::uint8_t>(sum / (rows * columns));
                   });
}

Tensor shrunk_nearest(const Tensor& picture, std::int64_t side) {
  return shrunk_by(picture, shrinking_factor(picture, side),
                   [](const std::uint8_t* first, std::int64_t width, std::int64_t rows, std::int64_t columns) {
                     return first[(rows / 2 * width + columns / 2) * 3];
                   });
}

Tensor side_by_side(const std::vector<Tensor>& pictures, std::int64_t width) {
  const Shape& shape = pictures.at(0).shape();
  for (const Tensor& picture : pictures)
    if (picture.shape() != shape || shape.rank() != 3 || shape[2] != 3)
      raise<ShapeError>("side_by_side", "expected pictures [H, W, 3] of one size, got {} and {}", shape.str(),
                        picture.shape().str());
  const std::int64_t factor = std::max<std::int64_t>(1, (width + shape[1] - 1) / shape[1]);
  const std::int64_t gap = std::max<std::int64_t>(2, factor * shape[1] / 64);
  const auto count = static_cast<std::int64_t>(pictures.size());
  const std::int64_t panel = factor * shape[1], total = count * panel + (count - 1) * gap;
  Tensor result = Tensor::full({factor * shape[0], total, 3}, 255, u8);
  auto* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t p = 0; p < count; ++p) {
    const auto* in = pictures[static_cast<std::size_t>(p)].data<std::uint8_t>();
    for (std::int64_t y = 0; y < factor * shape[0]; ++y)
      for (std::int64_t x = 0; x < panel; ++x)
        std::copy_n(in + (y / factor * shape[1] + x / factor) * 3, 3, out + (y * total + p * (panel + gap) + x) * 3);
  }
  return result;
}

}  // namespace tessera
