#include <fmt/format.h>

#include <tessera/core/autograd.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/predict.hpp>

namespace tessera {
namespace {

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:10.2f}", 100 * *share) : fmt::format("{:>10}", "-");
}

}  // namespace

Evaluation evaluate(SegmentationModel& model, Loader& loader, const LabelLoss& loss) {
  const NoGrad no_grad;
  const Labels& labels = loader.dataset().labels();
  Evaluation result{0, 0, ConfusionMatrix(labels.classes, labels.ignore_index)};
  double sum = 0, weight = 0;
  loader.start(0);
  while (const std::optional<Batch> batch = loader.next()) {
    const Tensor scores = class_scores(model, batch->images);
    const Loss part = loss(scores, batch->masks);
    sum += part.sum.item();
    weight += part.weight;
    result.confusion.add(batch->masks, best_classes(scores));
    result.images += batch->size();
  }
  result.loss = weight > 0 ? sum / weight : 0;
  return result;
}

std::string class_name(const Labels& labels, std::size_t index) {
  return index < labels.names.size() ? labels.names[index] : fmt::format("class {}", index);
}

std::string to_text(const Evaluation& evaluation, const Labels& labels) {
  const SegmentationScores scores = evaluation.confusion.scores();
  std::string text = fmt::format("{:<16}{:>10}{:>10}{:>12}\n", "", "IoU %", "Dice %", "accuracy %");
  const auto add_line = [&](const std::string& name, const auto& iou, const auto& dice, const auto& accuracy) {
    text += fmt::format("{:<16}{}{}  {}\n", name, percent(iou), percent(dice), percent(accuracy));
  };
  for (std::size_t k = 0; k < scores.iou.size(); ++k)
    add_line(class_name(labels, k), scores.iou[k], scores.dice[k], scores.accuracy[k]);
  add_line("mean", scores.mean_iou, scores.mean_dice, scores.class_accuracy);
  return text + fmt::format("{} images  loss {:.4f}  pixel accuracy {:.4f}  mIoU {:.4f}", evaluation.images,
                            evaluation.loss, scores.pixel_accuracy.value_or(0), scores.mean_iou.value_or(0));
}

}  // namespace tessera
