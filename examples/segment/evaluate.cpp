#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <tessera/data/folder.hpp>
#include <tessera/train/check_samples.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/pass_progress.hpp>

#include "commands.hpp"
#include "json.hpp"

namespace segment {

using namespace tessera;

bool evaluate(const EvaluateOptions& options) {
  const Checkpoint checkpoint = checked([&] { return load_checkpoint(options.model); });
  const auto model = checked([&] { return rebuild_model(checkpoint); });
  const bool whole = options.split.empty() && options.data != "shapes" && is_plain(options.data);
  const std::string split = options.split.empty() && !whole ? "val" : options.split;
  const auto data = checked([&] { return open_data(options.data, split, checkpoint, options.masks); });
  // Masks that do not fit the network would make a measure of the others worthless; files that are broken are left out.
  if (const auto* folder = dynamic_cast<const FolderDataset*>(data.get()))
    checked([&] { return check_samples(*folder, false); });
  EvaluationOptions measures = options.measures;
  PassProgress progress("images measured", data->size(), stderr);
  measures.measured = [&] { progress.advance(); };
  const Evaluation evaluation = tessera::evaluate(*model, data, checkpoint, measures);
  for (const SkippedSample& sample : evaluation.skipped) spdlog::error("{}; it is left out", sample.reason);
  if (whole)
    spdlog::info("all of {}; of a network trained on this very folder, --split val measures the fifth it has not seen",
                 options.data);
  const Labels& labels = checkpoint.labels;
  if (options.json)
    fmt::print("{}\n", to_json(evaluation, labels));
  else
    fmt::print("{}\n\n{}\n", to_text(evaluation, labels), to_text(evaluation.confusion, labels));
  return evaluation.skipped.empty();
}

}  // namespace segment
