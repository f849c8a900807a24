#include <tessera/core/error.hpp>
#include <tessera/train/metrics.hpp>

namespace tessera {
namespace {

std::optional<double> ratio(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> mean_of(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  std::int64_t count = 0;
  for (const auto& value : values)
    if (value) sum += *value, ++count;
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

ConfusionMatrix::ConfusionMatrix(std::int64_t classes, std::int32_t ignore_index)
    : classes_(classes), ignore_index_(ignore_index) {
  if (classes < 1) raise<ValueError>("confusion matrix", "expected 1 or more classes, got {}", classes);
  counts_.resize(static_cast<std::size_t>(classes * classes));
}

void ConfusionMatrix::add(const Tensor& truth, const Tensor& prediction) {
  if (truth.shape() != prediction.shape())
    raise<ShapeError>("confusion matrix", "expected truth and prediction of one shape, got {} and {}",
                      truth.shape().str(), prediction.shape().str());
  const Tensor true_labels = truth.to(i32), predicted_labels = prediction.to(i32);
  const auto a = true_labels.span<std::int32_t>(), b = predicted_labels.span<std::int32_t>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == ignore_index_) continue;
    if (a[i] < 0 || a[i] >= classes_ || b[i] < 0 || b[i] >= classes_)
      raise<ValueError>("confusion matrix", "true class {} and predicted class {} at pixel {} are not both of 0 to {}",
                        a[i], b[i], i, classes_ - 1);
    ++counts_[static_cast<std::size_t>(a[i] * classes_ + b[i])];
  }
}

void ConfusionMatrix::add(const ConfusionMatrix& other) {
  if (classes_ != other.classes_)
    raise<ValueError>("confusion matrix", "cannot add counts of {} classes to counts of {}", other.classes_, classes_);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::int64_t ConfusionMatrix::count(std::int64_t truth, std::int64_t prediction) const {
  return counts_.at(static_cast<std::size_t>(truth * classes_ + prediction));
}

SegmentationScores ConfusionMatrix::scores() const {
  SegmentationScores scores;
  std::int64_t right = 0, all = 0;
  double weighted = 0;
  for (std::int64_t k = 0; k < classes_; ++k) {
    std::int64_t is_true = 0, is_predicted = 0;
    for (std::int64_t other = 0; other < classes_; ++other) {
      is_true += count(k, other);
      is_predicted += count(other, k);
    }
    if (k == ignore_index_) is_predicted = 0;  // such pixels are never true: a class that is not measured
    const std::int64_t both = count(k, k);
    scores.accuracy.push_back(ratio(both, is_true));
    scores.iou.push_back(ratio(both, is_true + is_predicted - both));
    scores.dice.push_back(ratio(2 * both, is_true + is_predicted));
    weighted += static_cast<double>(is_true) * scores.iou.back().value_or(0);
    right += both;
    all += is_true;
  }
  scores.pixel_accuracy = ratio(right, all);
  scores.class_accuracy = mean_of(scores.accuracy);
  scores.mean_iou = mean_of(scores.iou);
  scores.mean_dice = mean_of(scores.dice);
  if (all > 0) scores.frequency_weighted_iou = weighted / static_cast<double>(all);
  return scores;
}

}  // namespace tessera
