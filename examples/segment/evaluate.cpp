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
  const Evaluation evaluation = tessera::evaluate(*model, data, checkpoint);
  fmt::print("{}\n", options.json ? to_json(evaluation, checkpoint.labels) : to_text(evaluation, checkpoint.labels));
}

}  // namespace segment
