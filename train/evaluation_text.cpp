#include <fmt/format.h>

#include <algorithm>
#include <tessera/train/evaluate.hpp>

namespace tessera {
namespace {

constexpr std::size_t classes_in_a_matrix = 24;  // a wider one no longer fits a screen
constexpr std::size_t confusions_listed = 5;

std::string percent(const std::optional<double>& share, int width, int decimals) {
  return share ? fmt::format("{:>{}.{}f}", 100 * *share, width, decimals) : fmt::format("{:>{}}", "-", width);
}

std::size_t name_width(const Labels& labels, std::size_t classes) {
  std::size_t width = 12;
  for (std::size_t k = 0; k < classes; ++k) width = std::max(width, class_name(labels, k).size());
  return width;
}

std::int64_t true_pixels(const ConfusionMatrix& confusion, std::size_t truth) {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < confusion.classes(); ++k) sum += confusion.count(static_cast<std::int64_t>(truth), k);
  return sum;
}

/// The share of the class's true pixels that were predicted so; empty for a class without any.
std::optional<double> share(const ConfusionMatrix& confusion, std::size_t truth, std::size_t prediction) {
  const std::int64_t all = true_pixels(confusion, truth);
  if (all == 0) return std::nullopt;
  const auto count = confusion.count(static_cast<std::int64_t>(truth), static_cast<std::int64_t>(prediction));
  return static_cast<double>(count) / static_cast<double>(all);
}

std::string matrix_text(const ConfusionMatrix& confusion, const Labels& labels) {
  const auto classes = static_cast<std::size_t>(confusion.classes());
  const std::size_t width = name_width(labels, classes);
  const int decimals = classes <= 12 ? 1 : 0;
  std::string text = fmt::format("confusion: % of the true pixels of the row's class predicted as the column's\n{:<{}}",
                                 "", width + 4);
  for (std::size_t k = 0; k < classes; ++k) text += fmt::format("{:>{}}", k, 4 + 2 * decimals);
  for (std::size_t truth = 0; truth < classes; ++truth) {
    text += fmt::format("\n{:>3} {:<{}}", truth, class_name(labels, truth), width);
    for (std::size_t k = 0; k < classes; ++k) text += percent(share(confusion, truth, k), 4 + 2 * decimals, decimals);
  }
  return text + "\n";
}

std::string most_frequent(const ConfusionMatrix& confusion, const Labels& labels) {
  struct Confusion {
    std::int64_t pixels;
    std::size_t truth, prediction;
  };
  std::vector<Confusion> all;
  const auto classes = static_cast<std::size_t>(confusion.classes());
  for (std::size_t truth = 0; truth < classes; ++truth)
    for (std::size_t k = 0; k < classes; ++k) {
      const std::int64_t pixels = confusion.count(static_cast<std::int64_t>(truth), static_cast<std::int64_t>(k));
      if (truth != k && pixels > 0) all.push_back({pixels, truth, k});
    }
  if (all.empty()) return "no pixel was confused\n";
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.pixels > b.pixels; });
  std::string text = "most frequent confusions\n";
  for (const Confusion& one :
       std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), confusions_listed))))
    text += fmt::format("  {} taken for {}: {} pixels, {:.1f} % of the class\n", class_name(labels, one.truth),
                        class_name(labels, one.prediction), one.pixels,
                        100 * share(confusion, one.truth, one.prediction).value_or(0));
  return text;
}

std::string absent_text(const Evaluation& evaluation, const Labels& labels) {
  const std::vector<std::size_t> absent = evaluation.absent_classes();
  const auto classes = static_cast<std::size_t>(evaluation.confusion.classes());
  if (absent.empty()) return fmt::format("mean over the {} classes", classes);
  std::string names;
  for (const std::size_t k : absent) names += (names.empty() ? "" : ", ") + class_name(labels, k);
  return fmt::format("mean over {} of {} classes; neither in the masks nor predicted: {}", classes - absent.size(),
                     classes, names);
}

}  // namespace

std::string class_name(const Labels& labels, std::size_t index) {
  return index < labels.names.size() ? labels.names[index] : fmt::format("class {}", index);
}

std::string to_text(const Evaluation& evaluation, const Labels& labels) {
  const SegmentationScores scores = evaluation.confusion.scores();
  const std::vector<std::optional<double>> outlines = evaluation.boundary.by_class();
  const std::size_t width = name_width(labels, scores.iou.size()) + 2;
  std::int64_t all = 0;
  for (std::size_t k = 0; k < scores.iou.size(); ++k) all += true_pixels(evaluation.confusion, k);

  std::string text = fmt::format("{:<{}}{:>8}{:>9}{:>12}{:>8}{:>10}\n", "", width, "IoU %", "Dice %", "accuracy %",
                                 "BF %", "pixels %");
  for (std::size_t k = 0; k < scores.iou.size(); ++k) {
    const auto share = static_cast<double>(true_pixels(evaluation.confusion, k)) / static_cast<double>(all);
    text += fmt::format("{:<{}}{}{}{}{}{}\n", class_name(labels, k), width, percent(scores.iou[k], 8, 2),
                        percent(scores.dice[k], 9, 2), percent(scores.accuracy[k], 12, 2), percent(outlines[k], 8, 2),
                        percent(all > 0 ? std::optional(share) : std::nullopt, 10, 2));
  }
  text +=
      fmt::format("{:<{}}{}{}{}{}\n\n", "mean", width, percent(scores.mean_iou, 8, 2), percent(scores.mean_dice, 9, 2),
                  percent(scores.class_accuracy, 12, 2), percent(mean_of(outlines), 8, 2));

  const auto line = [&](const char* name, const std::optional<double>& value, const std::string& remark) {
    text += fmt::format("{:<24}{:>8}{}{}\n", name, value ? fmt::format("{:.4f}", *value) : "-",
                        remark.empty() ? "" : "  ", remark);
  };
  line("loss", evaluation.loss, fmt::format("{} images", evaluation.images));
  line("pixel accuracy", scores.pixel_accuracy, "");
  line("class accuracy", scores.class_accuracy, "mean over the classes in the masks");
  line("mIoU", scores.mean_iou, absent_text(evaluation, labels));
  line("frequency-weighted IoU", scores.frequency_weighted_iou, "");
  line("boundary F1 (BF)", evaluation.boundary.mean(),
       fmt::format("outlines within {:.4g} % of the image's diagonal; mean over images",
                   100 * evaluation.boundary_tolerance));
  line("per-image mIoU", evaluation.per_image_mean_iou(), "each image's own mIoU, mean over images");
  text.pop_back();
  return text;
}

std::string to_text(const ConfusionMatrix& confusion, const Labels& labels) {
  const bool fits = static_cast<std::size_t>(confusion.classes()) <= classes_in_a_matrix;
  std::string text = (fits ? matrix_text(confusion, labels) + "\n" : "") + most_frequent(confusion, labels);
  text.pop_back();
  return text;
}

}  // namespace tessera
