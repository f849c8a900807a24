#include "json.hpp"

#include <nlohmann/json.hpp>

namespace segment {
namespace {

using nlohmann::ordered_json;

ordered_json number(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(nullptr); }

ordered_json numbers(const std::vector<std::optional<double>>& values) {
  ordered_json list = ordered_json::array();
  for (const std::optional<double>& value : values) list.push_back(number(value));
  return list;
}

}  // namespace

std::string to_json(const tessera::Evaluation& evaluation, const tessera::Labels& labels) {
  const tessera::ConfusionMatrix& confusion = evaluation.confusion;
  const tessera::SegmentationScores scores = confusion.scores();
  ordered_json images = ordered_json::array();
  for (const tessera::ImageScores& image : evaluation.per_image)
    images.push_back(
        {{"name", image.name}, {"pixel_accuracy", number(image.pixel_accuracy)}, {"miou", number(image.mean_iou)}});
  ordered_json left_out = ordered_json::array();
  for (const tessera::SkippedSample& sample : evaluation.skipped) left_out.push_back(sample.reason);
  ordered_json rows = ordered_json::array();
  for (std::int64_t truth = 0; truth < confusion.classes(); ++truth) {
    ordered_json row = ordered_json::array();
    for (std::int64_t predicted = 0; predicted < confusion.classes(); ++predicted)
      row.push_back(confusion.count(truth, predicted));
    rows.push_back(row);
  }
  const ordered_json result = {{"images", evaluation.images},
                               {"left_out", left_out},
                               {"loss", evaluation.loss},
                               {"pixel_accuracy", number(scores.pixel_accuracy)},
                               {"class_accuracy", number(scores.class_accuracy)},
                               {"miou", number(scores.mean_iou)},
                               {"mean_dice", number(scores.mean_dice)},
                               {"frequency_weighted_iou", number(scores.frequency_weighted_iou)},
                               {"boundary_f1", number(evaluation.boundary.mean())},
                               {"boundary_tolerance", evaluation.boundary_tolerance},
                               {"per_image_miou", number(evaluation.per_image_mean_iou())},
                               {"absent_classes", evaluation.absent_classes()},
                               {"iou", numbers(scores.iou)},
                               {"dice", numbers(scores.dice)},
                               {"accuracy", numbers(scores.accuracy)},
                               {"boundary_f1_by_class", numbers(evaluation.boundary.by_class())},
                               {"class_names", labels.names},
                               {"confusion_matrix", rows},
                               {"per_image", images}};
  return result.dump(2);
}

std::string to_json(const tessera::Summary& summary, const tessera::MemoryUse& memory) {
  const auto sizes = [](const tessera::Shape& shape) { return std::vector<std::int64_t>(shape.begin(), shape.end()); };
  ordered_json layers = ordered_json::array();
  std::optional<double> seconds;
  for (const tessera::LayerSummary& row : summary.layers) {
    layers.push_back({{"path", row.path},
                      {"type", row.type},
                      {"output", row.ran ? ordered_json(sizes(row.output)) : ordered_json(nullptr)},
                      {"parameters", row.parameters},
                      {"multiply_adds", row.multiply_adds},
                      {"seconds", number(row.seconds)}});
    if (row.seconds) seconds = seconds.value_or(0) + *row.seconds;
  }
  const ordered_json result = {{"input", sizes(summary.input)},
                               {"output", sizes(summary.output)},
                               {"parameters", summary.parameters},
                               {"multiply_adds", summary.multiply_adds},
                               {"seconds", number(seconds)},
                               {"memory",
                                {{"weights", memory.weights},
                                 {"inference", memory.inference},
                                 {"training", memory.training},
                                 {"measured", memory.measured}}},
                               {"layers", layers}};
  return result.dump(2);
}

}  // namespace segment
