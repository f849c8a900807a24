#include <tessera/data/augmentation_spec.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/train/class_weights.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/run.hpp>

namespace tessera {

LabelLoss loss_of(const Checkpoint& checkpoint, std::int32_t ignore_index) {
  const auto spec = checkpoint.options.find("loss"), weights = checkpoint.options.find("class-weights");
  return loss_from_spec(spec == checkpoint.options.end() ? "ce" : spec->second,
                        {.class_weights = weights == checkpoint.options.end() ? std::vector<double>()
                                                                              : weights_from_numbers(weights->second),
                         .ignore_index = ignore_index});
}

LoaderOptions training_batches(const Run& run) {
  const RunOptions& o = run.options;
  return {.batch_size = o.batch_size,
          .repeats = o.passes,
          .multiple_of = run.model->input_sizes().multiple,
          .seed = o.seed,
          .skip_unreadable = !o.strict,
          .standardization = run.checkpoint.standardization,
          .augmentation = augmentation_from_spec(o.augment, o.data == "shapes" ? Size2D{} : o.size)};
}

LoaderOptions validation_batches(const Checkpoint& checkpoint) {
  // Images of a folder may differ in size, and one padded to another's would be predicted differently at its border.
  const auto data = checkpoint.options.find("data");
  const bool one_size = data != checkpoint.options.end() && data->second == "shapes";
  return {.batch_size = one_size ? 16 : 1, .shuffle = false, .standardization = checkpoint.standardization};
}

Evaluation evaluate(SegmentationModel& model, std::shared_ptr<const Dataset> data, const Checkpoint& checkpoint,
                    EvaluationOptions options) {
  options.inference = with_training_size(options.inference, checkpoint);
  LoaderOptions loading = validation_batches(checkpoint);
  loading.skip_unreadable = true;
  if (dynamic_cast<const FolderDataset*>(data.get()) != nullptr) loading.batch_size = 1;  // whatever it was trained on
  const LabelLoss loss = loss_of(checkpoint, data->labels().ignore_index);
  Loader batches(std::move(data), loading);
  return evaluate(model, batches, loss, options);
}

}  // namespace tessera
