#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/data/dataset.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/make_optimizer.hpp>

namespace tessera {

/// A training run as a command line names it; what is 0 or empty gets a default that fits the data.
struct RunOptions {
  std::string data{};           ///< a folder with train/ and val/, or "shapes"
  std::filesystem::path out{};  ///< runs/MODEL-N by default

  ModelOptions model{.name = ""};  ///< by default tiny for shapes, unet for folders; channels and classes by the data
  std::int64_t classes = 0;        ///< 0: counted in the masks
  std::int32_t ignore_index = no_label;  ///< mask value of pixels that do not count

  Size2D size{};               ///< of the shapes, or of the crops trained on
  std::optional<bool> flip{};  ///< mirror half of the images; by default those of folders
  bool turn = false;           ///< turn images by quarter turns

  std::int64_t epochs = 0;
  std::int64_t batch_size = 0;
  std::string loss = "ce";
  OptimizerOptions optimizer{};
  double warmup_epochs = 0;
  double clip_norm = 0;
  std::uint64_t seed = 0;
  double max_minutes = 0;  ///< ends the run after the first epoch that ends later; 0: never
};

/// A run whose input has been read and checked.
struct Run {
  RunOptions options;  ///< every default filled in
  std::shared_ptr<const Dataset> train, val;
  std::unique_ptr<SegmentationModel> model;
  Checkpoint checkpoint;  ///< what its checkpoints say of it; no weights yet
};

/// Opens and checks the data, makes the model and the output folder. All that is wrong with the options, the data or
/// the folder is an error here, before training begins.
Run prepare_run(RunOptions options);

/// Trains: history.jsonl, last.safetensors and best.safetensors (by validation mIoU, the earlier at a tie) after every
/// epoch, pictures at the end; shows on `out` how it goes.
void execute(Run& run, std::FILE* out);

/// One part of a data set, with what a checkpoint knows of labels, channels and, for "shapes", sizes.
std::shared_ptr<const Dataset> open_data(const std::string& data, const std::string& split,
                                         const Checkpoint& checkpoint);

/// Evaluates at the images' own sizes with the checkpoint's loss.
Evaluation evaluate(SegmentationModel& model, std::shared_ptr<const Dataset> data, const Checkpoint& checkpoint);

/// "64" or "180x240", height first; ValueError where it is neither.
Size2D parse_size(const std::string& text);

/// Makes the folder where there is none; IoError where no file can be written into it.
void make_output_folder(const std::filesystem::path& folder);

}  // namespace tessera
