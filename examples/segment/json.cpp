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
  ordered_json rows = ordered_json::array();
  for (std::int64_t truth = 0; truth < confusion.classes(); ++truth) {
    ordered_json row = ordered_json::array();
    for (std::int64_t predicted = 0; predicted < confusion.classes(); ++predicted)
      row.push_back(confusion.count(truth, predicted));
    rows.push_back(row);
  }
  const ordered_json result = {{"images", evaluation.images},
                               {"loss", evaluation.loss},
                               {"pixel_accuracy", number(scores.pixel_accuracy)},
                               {"class_accuracy", number(scores.class_accuracy)},
                               {"miou", number(scores.mean_iou)},
                               {"mean_dice", number(scores.mean_dice)},
                               {"frequency_weighted_iou", number(scores.frequency_weighted_iou)},
                               {"iou", numbers(scores.iou)},
                               {"dice", numbers(scores.dice)},
                               {"accuracy", numbers(scores.accuracy)},
                               {"class_names", labels.names},
                               {"confusion_matrix", rows}};
  return result.dump(2);
}

}  // namespace segment
