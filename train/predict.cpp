#include <tessera/core/ops/reduce.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/run_options.hpp>

namespace tessera {

Tensor best_classes(const Tensor& scores) { return argmax(scores, {-1}); }

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

Tensor Predictor::scores(const Tensor& image) {
  const Tensor input = standardize(image, standardization_).reshape({1, image.size(0), image.size(1), image.size(2)});
  return inference_.scores(input).reshape({image.size(0), image.size(1), labels_.classes});
}

}  // namespace tessera
