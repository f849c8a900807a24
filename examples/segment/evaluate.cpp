#include <fmt/format.h>

#include <tessera/train/evaluate.hpp>

#include "commands.hpp"
#include "json.hpp"

namespace segment {

using namespace tessera;

void evaluate(const EvaluateOptions& options) {
  const Checkpoint checkpoint = checked([&] { return load_checkpoint(options.model); });
  const auto model = checked([&] { return rebuild_model(checkpoint); });
  const auto data = checked([&] { return open_data(options.data, options.split, checkpoint); });
  const Evaluation evaluation = tessera::evaluate(*model, data, checkpoint, options.measures);
  const Labels& labels = checkpoint.labels;
  if (options.json)
    fmt::print("{}\n", to_json(evaluation, labels));
  else
    fmt::print("{}\n\n{}\n", to_text(evaluation, labels), to_text(evaluation.confusion, labels));
}

}  // namespace segment
