#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/run_options.hpp>

namespace tessera {

InferenceOptions with_training_size(InferenceOptions options, const Checkpoint& checkpoint) {
  if (const auto size = checkpoint.options.find("size"); size != checkpoint.options.end())
    options.default_tile = parse_size(size->second);
  return options;
}

Predictor::Predictor(const Checkpoint& checkpoint, const InferenceOptions& options)
    : model_(rebuild_model(checkpoint)),
      channels_(checkpoint.model.in_channels),
      labels_(checkpoint.labels),
      standardization_(checkpoint.standardization),
      inference_(*model_, with_training_size(options, checkpoint)) {}

Tensor Predictor::read(const std::filesystem::path& path) const { return read_picture(path, channels_); }

Prediction Predictor::predict(const Tensor& image, bool probabilities) {
  const Tensor input = standardize(image, standardization_).reshape({1, image.size(0), image.size(1), image.size(2)});
  std::vector<Tensor> classes, shares;
  inference_.score_rows(input, [&](std::int64_t, const Tensor& rows) {
    classes.push_back(best_classes(rows));
    if (probabilities) shares.push_back(softmax(rows));
  });
  return {concat(classes, 1).reshape({image.size(0), image.size(1)}),
          probabilities ? concat(shares, 1).reshape({image.size(0), image.size(1), labels_.classes}) : Tensor()};
}

}  // namespace tessera
