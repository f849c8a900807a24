#include <algorithm>
#include <array>
#include <tessera/core/error.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/report_examples.hpp>

namespace tessera {
namespace {

constexpr std::int64_t largest_side = 360;  // of a picture in a report; larger images are shrunk to it

std::string png_uri(const Tensor& picture) { return data_uri(encode_png(picture)); }

}  // namespace

RankedImages ranked(const Evaluation& evaluation, std::size_t each) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < evaluation.per_image.size(); ++i)
    if (evaluation.per_image[i].mean_iou) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return *evaluation.per_image[a].mean_iou > *evaluation.per_image[b].mean_iou;
  });
  const std::size_t count = order.size();
  const std::size_t best = std::min(each, (count + 2) / 3);
  const std::size_t worst = std::min(each, (count - best + 1) / 2);
  const std::size_t middle = std::min(each, count - best - worst);
  const std::size_t first = std::clamp((count - middle) / 2, best, count - worst - middle);
  const auto part = [&](std::size_t begin, std::size_t size) {
    const auto from = order.begin() + static_cast<std::ptrdiff_t>(begin);
    return std::vector<std::size_t>(from, from + static_cast<std::ptrdiff_t>(size));
  };
  RankedImages result{part(0, best), part(first, middle), part(count - worst, worst)};
  std::reverse(result.worst.begin(), result.worst.end());
  return result;
}

std::vector<ReportExample> draw_examples(const Evaluation& evaluation, const Dataset& data,
                                         const std::function<Tensor(const Tensor& image)>& predict,
                                         const std::vector<Rgb>& colors) {
  std::vector<ReportExample> examples;
  const auto draw = [&](const char* rank, const std::vector<std::size_t>& images) {
    for (const std::size_t i : images) {
      const ImageScores& scores = evaluation.per_image[i];
      Sample sample;
      try {
        sample = data.get(scores.index);
      } catch (const IoError&) {
        continue;
      }
      const Tensor prediction = predict(sample.image);
      const auto& ignored = data.labels().ignore_index;
      const Tensor image = shrunk(visible(sample.image), largest_side);
      examples.push_back({rank, scores.name, scores.mean_iou, png_uri(image),
                          png_uri(shrunk_nearest(colored(sample.mask, colors), largest_side)),
                          png_uri(shrunk_nearest(colored(prediction, colors), largest_side)),
                          png_uri(shrunk(error_map(sample.image, sample.mask, prediction, ignored), largest_side))});
    }
  };
  const RankedImages images = ranked(evaluation);
  draw("best", images.best);
  draw("middle", images.middle);
  draw("worst", images.worst);
  return examples;
}

std::string data_uri(const std::vector<std::uint8_t>& png) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "data:image/png;base64,";
  text.reserve(text.size() + (png.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < png.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, png.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? png[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

}  // namespace tessera
