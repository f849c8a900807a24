#include <tessera/core/error.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/checkpoint_metadata.hpp>

namespace tessera {

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  StateDict tensors = checkpoint.weights;
  for (const auto& [name, tensor] : checkpoint.training) tensors.emplace("@" + name, tensor);
  write_safetensors(path, tensors, to_metadata(checkpoint));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const bool run = std::filesystem::is_directory(path);
  const std::filesystem::path whole = run ? path / "best.safetensors" : path;
  if (run && !std::filesystem::exists(whole))
    throw IoError(
        fmt::format("{}: expected a checkpoint, or the folder of a run that has finished an epoch; there is no "
                    "best.safetensors in it",
                    path.string()));
  const SafetensorsFile file = read_safetensors(whole);
  Checkpoint checkpoint = from_metadata(file.metadata, whole.string());
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with('@'))
      checkpoint.training.emplace(name.substr(1), tensor);
    else
      checkpoint.weights.emplace(name, tensor);
  }
  return checkpoint;
}

std::unique_ptr<SegmentationModel> rebuild_model(const Checkpoint& checkpoint) {
  std::unique_ptr<SegmentationModel> model = make_model(checkpoint.model);
  model->initialize(checkpoint.seed);
  model->load_state_dict(checkpoint.weights);
  model->eval();
  return model;
}

}  // namespace tessera
