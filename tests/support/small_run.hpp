#pragma once

#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <tessera/train/run.hpp>
#include <vector>

#include "tests/support/example_data.hpp"
#include "tests/support/file_bytes.hpp"
#include "tests/support/temporary_folder.hpp"

namespace tessera::test {

/// A run over example data in `folder`, small enough for a test: 3 epochs of 2 batches, and 4 images to validate.
inline RunOptions small_run(const TemporaryFolder& folder, const std::string& name) {
  if (!std::filesystem::exists(folder / "data")) write_example_data(folder / "data");
  RunOptions options{.data = folder / "data", .out = folder / name};
  options.model = {.name = "unet", .width = 4, .depth = 1};
  options.ignore_index = 9;
  options.size = 24;
  options.augment = "turn,flip";
  options.epochs = 3;
  options.batch_size = 2;
  options.optimizer.lr = 0.01;
  return options;
}

/// Executes without showing it; `polls`: how often the run may ask whether it is interrupted until it is told yes.
inline RunEnd execute_silently(Run run, std::int64_t polls = std::numeric_limits<std::int64_t>::max()) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  return execute(run, nowhere.get(), [&polls] { return --polls <= 0; });
}

inline std::vector<nlohmann::json> history_of(const std::filesystem::path& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(file_bytes(run / "history.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// The lines of history.jsonl without their times: what runs of the same options agree in.
inline std::string timeless_history(const std::filesystem::path& run) {
  std::string text;
  for (nlohmann::json line : history_of(run)) {
    line.erase("seconds");
    line.erase("images_per_second");
    text += line.dump() + "\n";
  }
  return text;
}

}  // namespace tessera::test
