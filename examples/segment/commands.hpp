#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <tessera/core/error.hpp>
#include <tessera/train/prediction_files.hpp>
#include <tessera/train/run.hpp>
#include <vector>

namespace segment {

/// Something the user gave is wrong: the program ends with status 2.
class BadInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs what reads and checks the user's input: its errors become BadInput.
template <class F>
auto checked(F&& f) {
  try {
    return f();
  } catch (const tessera::Error& error) {
    throw BadInput(error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    throw BadInput(error.what());
  }
}

struct TrainOptions {
  tessera::RunOptions run{};
  std::filesystem::path preview{};  ///< only draw the augmentation there; empty: train
  bool resume = false;              ///< the run in run.out
  bool overfit = false;
};

struct EvaluateOptions {
  std::filesystem::path model;
  std::string data;
  std::string split;            ///< empty: val, or all of a folder that holds images/ and masks/ itself
  tessera::RunOptions masks{};  ///< how masks are read, where not as those trained on
  bool json = false;
  tessera::EvaluationOptions measures{};
};

struct PredictOptions {
  std::filesystem::path model;
  std::vector<std::filesystem::path> paths;
  std::filesystem::path out;
  tessera::InferenceOptions inference{};
  tessera::ProbabilityFormat probabilities = tessera::ProbabilityFormat::none;
  bool skip_existing = false;  ///< leaves out images whose predictions are there
};

struct InspectOptions {
  std::filesystem::path folder;
  std::filesystem::path color_map;  ///< empty: none
  std::filesystem::path html;       ///< contact sheet; empty: none
  bool json = false;
};

struct SummaryOptions {
  std::string network;  ///< a checkpoint, or a network's name; empty: `model`
  tessera::ModelOptions model{.name = "tiny", .classes = 2};
  tessera::Size2D size = 256;
  bool json = false;
};

/// Returns the exit status: 0, 130 where Ctrl-C ended it, 1 where a self-test did not pass.
int train(const TrainOptions& options);
/// False where a file could not be read.
bool evaluate(const EvaluateOptions& options);
/// False where a file could not be predicted.
bool predict(const PredictOptions& options);
/// False where training would not take all of the folder; BadInput, after all else is said, where nothing can.
bool inspect(const InspectOptions& options);
void summarize(const SummaryOptions& options);

}  // namespace segment
