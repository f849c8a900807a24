#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <tessera/data/dataset.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/run_options.hpp>
#include <vector>

namespace tessera {

/// A training run whose input has been read and checked.
struct Run {
  RunOptions options;  ///< every default filled in
  std::shared_ptr<const Dataset> train, val;
  std::unique_ptr<SegmentationModel> model;
  Checkpoint checkpoint;  ///< what its checkpoints say of it; with weights where it is to be gone on with
  std::set<std::int64_t> val_left_out{};  ///< validation samples that cannot be read
  std::vector<std::string> left_out{};    ///< samples of both parts that cannot be read, and why
  std::vector<std::string> notes{};       ///< what a person should know before training begins

  bool resumed() const { return !checkpoint.weights.empty(); }
};

/// Opens and checks the data and makes the model; nothing is written yet. All that is wrong with the options or the
/// data is an error here, before training begins.
Run prepare_run(RunOptions options);

/// The same for going on with the run in `options.out`, from its last checkpoint, or from its beginning where it has
/// none yet. ValueError names an option whose change would change the result; `epochs` may change where the schedule is
/// constant.
Run resume_run(RunOptions options);

enum class RunEnd : std::uint8_t { finished, interrupted };

/// Trains: writes options.toml at once; after every epoch a line of history.jsonl, best.safetensors (by validation
/// mIoU, the earlier at a tie) and last.safetensors, this one every `save_every` minutes, too; pictures at the end.
/// Shows on `out` how it goes. A run that begins where another one was moves that one aside.
///
/// A run that was ended between two steps, by whatever, and resumed writes the files of one that was not, but for the
/// times in history.jsonl. `interrupted` is asked after every step: true saves and returns. MisfitError for a sample
/// that can be read and does not fit the options, which only large folders come to so late.
RunEnd execute(Run& run, std::FILE* out, const std::function<bool()>& interrupted = {});

/// One part of a data set, with what a checkpoint knows of labels, channels and, for "shapes", sizes. Where `masks` has
/// an ignore_index, mask_values or a color_map, masks are read as these say and not as those trained on. ValueError
/// where the numbers of classes differ.
std::shared_ptr<const Dataset> open_data(const std::string& data, const std::string& split,
                                         const Checkpoint& checkpoint, const RunOptions& masks = {});

/// Batches as the run trains on them, and as it validates on them.
LoaderOptions training_batches(const Run& run);
LoaderOptions validation_batches(const Checkpoint& checkpoint);

/// The loss that the checkpoint's options name, over the pixels that do not hold `ignore_index`.
LabelLoss loss_of(const Checkpoint& checkpoint, std::int32_t ignore_index);

/// Evaluates at the images' own sizes with the checkpoint's loss; what cannot be read is left out and `skipped` says
/// so.
Evaluation evaluate(SegmentationModel& model, std::shared_ptr<const Dataset> data, const Checkpoint& checkpoint,
                    EvaluationOptions options = {});

}  // namespace tessera
