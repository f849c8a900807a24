#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/train/evaluate.hpp>

namespace tessera {

std::optional<double> Evaluation::per_image_mean_iou() const {
  std::vector<std::optional<double>> values;
  for (const ImageScores& image : per_image) values.push_back(image.mean_iou);
  return mean_of(values);
}

std::vector<std::size_t> Evaluation::absent_classes() const {
  std::vector<std::size_t> absent;
  const std::vector<std::optional<double>> iou = confusion.scores().iou;
  for (std::size_t k = 0; k < iou.size(); ++k)
    if (!iou[k]) absent.push_back(k);
  return absent;
}

Evaluation evaluate(SegmentationModel& model, Loader& loader, const LabelLoss& loss, const EvaluationOptions& options) {
  const NoGrad no_grad;
  const Labels& labels = loader.dataset().labels();
  Evaluation result{.confusion = ConfusionMatrix(labels.classes, labels.ignore_index),
                    .boundary = BoundaryScores(labels.classes),
                    .boundary_tolerance = options.boundary_tolerance};
  Inference inference(model, options.inference);
  double sum = 0, weight = 0;
  loader.start(0);
  while (const std::optional<Batch> batch = loader.next()) {
    result.skipped.insert(result.skipped.end(), batch->skipped.begin(), batch->skipped.end());
    if (batch->size() == 0) continue;
    std::vector<Tensor> bands;
    inference.score_rows(batch->images, [&](std::int64_t first, const Tensor& rows) {
      const Loss part = loss(rows, slice(batch->masks, 1, first, first + rows.size(1)));
      sum += part.sum.item();
      weight += part.weight;
      bands.push_back(best_classes(rows));
    });
    const Tensor predictions = concat(bands, 1);
    const auto image_of = [](const Tensor& all, std::int64_t n) {
      return slice(all, 0, n, n + 1).reshape({all.size(1), all.size(2)});
    };
    for (std::int64_t n = 0; n < batch->size(); ++n) {
      const Tensor truth = image_of(batch->masks, n), prediction = image_of(predictions, n);
      ConfusionMatrix counts(labels.classes, labels.ignore_index);
      counts.add(truth, prediction);
      result.confusion.add(counts);
      result.boundary.add(
          boundary_f1(truth, prediction, labels.classes, labels.ignore_index, options.boundary_tolerance));
      const SegmentationScores own = counts.scores();
      ++result.images;
      result.per_image.push_back({.name = batch->names[static_cast<std::size_t>(n)],
                                  .index = batch->indices[static_cast<std::size_t>(n)],
                                  .pixel_accuracy = own.pixel_accuracy,
                                  .mean_iou = own.mean_iou});
      if (options.measured) options.measured();
    }
  }
  result.loss = weight > 0 ? sum / weight : 0;
  return result;
}

}  // namespace tessera
