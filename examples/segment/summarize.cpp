#include <fmt/format.h>

#include <tessera/layers/summary.hpp>
#include <tessera/train/checkpoint.hpp>

#include "commands.hpp"

namespace segment {

using namespace tessera;

void summarize(const SummaryOptions& options) {
  const ModelOptions network =
      options.checkpoint.empty() ? options.model : checked([&] { return load_checkpoint(options.checkpoint).model; });
  const auto model = checked([&] { return make_model(network); });
  const Size2D size = model->input_sizes().enlarged(options.size);
  if (size != options.size) fmt::print("an image of {} is padded to {}\n", options.size.str(), size.str());
  fmt::print("{}\n", summary(*model, {1, size.height, size.width, network.in_channels}).str());
}

}  // namespace segment
