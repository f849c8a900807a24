#include <tessera/core/autograd.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/pad.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/layers/summary.hpp>
#include <tessera/train/predict.hpp>

namespace tessera {

Tensor class_scores(SegmentationModel& model, const Tensor& images) {
  const NoGrad no_grad;
  const EvalScope eval(model);
  const Size2D size = image_size(images), padded = model.input_sizes().enlarged(size);
  const bool fits = padded == size;
  Tensor scores =
      model(fits ? images : pad(images, {{}, {0, padded.height - size.height}, {0, padded.width - size.width}, {}}));
  return fits ? scores : slice(slice(scores, 1, 0, size.height), 2, 0, size.width);
}

Tensor best_classes(const Tensor& scores) { return argmax(scores, {-1}); }

Predictor::Predictor(const Checkpoint& checkpoint)
    : model_(rebuild_model(checkpoint)),
      channels_(checkpoint.model.in_channels),
      labels_(checkpoint.labels),
      standardization_(checkpoint.standardization) {}

Tensor Predictor::read(const std::filesystem::path& path) const { return read_picture(path, channels_); }

Tensor Predictor::operator()(const Tensor& image) {
  const Tensor input = standardize(image, standardization_);
  const Tensor scores = class_scores(*model_, input.reshape({1, image.size(0), image.size(1), image.size(2)}));
  return best_classes(scores).reshape({image.size(0), image.size(1)});
}

}  // namespace tessera
