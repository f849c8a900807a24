#include <fmt/ranges.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/core/nearest_name.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/layers/summary.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/inference.hpp>
#include <tessera/train/memory_use.hpp>

#include "commands.hpp"
#include "json.hpp"

namespace segment {
namespace {

using namespace tessera;

constexpr std::int64_t memory_to_time = std::int64_t{2} << 30;  // a pass that takes more is not run

ModelOptions network_of(const SummaryOptions& options) {
  if (options.network.empty()) return options.model;
  const std::vector<std::string>& names = model_names();
  if (std::filesystem::exists(options.network)) return load_checkpoint(options.network).model;
  if (std::find(names.begin(), names.end(), options.network) == names.end()) {
    const std::string nearest = nearest_name(options.network, names);
    throw ValueError(fmt::format("{}: there is no such checkpoint, and no network of that name: expected one of {}{}",
                                 options.network, fmt::join(names, ", "),
                                 nearest.empty() ? "" : "; the nearest is " + nearest));
  }
  ModelOptions network = options.model;
  network.name = options.network;
  return network;
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

}  // namespace

void summarize(const SummaryOptions& options) {
  const ModelOptions network = checked([&] { return network_of(options); });
  const auto model = checked([&] { return make_model(network); });
  const Size2D size = model->input_sizes().enlarged(options.size);
  const Shape input{1, size.height, size.width, network.in_channels};
  Summary layers = summary(*model, input);
  double seconds = 0;
  if (inference_memory(*model, size) <= memory_to_time)
    for (const auto& [path, own] : module_seconds(*model, input))
      for (LayerSummary& row : layers.layers)
        if (row.path == path) {
          row.seconds = own;
          seconds += own;
        }
  const MemoryUse memory = measure_memory(*model, size);
  if (options.json) {
    fmt::print("{}\n", to_json(layers, memory));
    return;
  }
  if (size != options.size) fmt::print("an image of {} is padded to {}\n", options.size.str(), size.str());
  fmt::print("{}", layers.str());
  if (seconds > 0)
    fmt::print("time: {:.1f} ms a pass over one image on {} threads, median of seven passes\n", 1e3 * seconds,
               num_threads());
  fmt::print("memory for one image, {}: {} to predict, {} to train with AdamW; weights {}\n",
             memory.measured ? "measured" : "estimated from a smaller one", megabytes(memory.inference),
             megabytes(memory.training), megabytes(memory.weights));
}

}  // namespace segment
