#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <tessera/data/dataset.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/run_options.hpp>

namespace tessera {

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

/// Trains: options.toml at once, history.jsonl, last.safetensors and best.safetensors (by validation mIoU, the earlier
/// at a tie) after every epoch, pictures at the end; shows on `out` how it goes.
void execute(Run& run, std::FILE* out);

/// One part of a data set, with what a checkpoint knows of labels, channels and, for "shapes", sizes.
std::shared_ptr<const Dataset> open_data(const std::string& data, const std::string& split,
                                         const Checkpoint& checkpoint);

/// Evaluates at the images' own sizes with the checkpoint's loss.
Evaluation evaluate(SegmentationModel& model, std::shared_ptr<const Dataset> data, const Checkpoint& checkpoint,
                    EvaluationOptions options = {});

/// Makes the folder where there is none; IoError where no file can be written into it.
void make_output_folder(const std::filesystem::path& folder);

}  // namespace tessera
