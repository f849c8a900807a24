#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <tessera/core/parameter.hpp>
#include <tessera/data/standardization.hpp>
#include <tessera/models/make_model.hpp>

namespace tessera {

/// The epoch so far whose validation had the highest mIoU, the earlier at a tie; 0 before the first.
struct BestEpoch {
  std::int64_t epoch = 0;
  double miou = 0;
};

/// All that a training run is: enough to rebuild the model, to prepare images for it and to train on.
///
/// As a file: safetensors with weights and buffers under their bare paths, `training` under a leading '@', and the rest
/// as JSON metadata. The bytes are a function of the content, which holds no time, path, host or thread count.
struct Checkpoint {
  ModelOptions model{};
  Labels labels{};
  Standardization standardization{};
  std::int64_t epoch = 0;  ///< finished
  std::int64_t step = 0;   ///< updates of the optimizer
  std::int64_t batch = 0;  ///< of the epoch after those: batches trained on, and the images in them
  std::int64_t images = 0;
  BestEpoch best{};
  std::set<std::int64_t> left_out{};  ///< training samples that could not be read
  std::uint64_t seed = 0;             ///< of every random stream; data order and augmentation count by epoch and sample
  std::map<std::string, std::string> options{};  ///< of the run, those that change its result
  StateDict weights{};
  /// What only training needs: "optim/adam.m/down.conv.kernel", "optim/schedule.last_epoch"; "epoch/loss" (sum, weight
  /// and learning rate) in the middle of an epoch; "trained/PATH" where `weights` are averages.
  StateDict training{};
};

/// Writes the file whole or not at all. IoError for what the system refuses.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// A folder stands for its best.safetensors. IoError names the file and what is wrong: not a safetensors file, or one
/// without a checkpoint's metadata.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// The checkpoint's network with its weights, in evaluation mode. ValueError where weights and model do not fit.
std::unique_ptr<SegmentationModel> rebuild_model(const Checkpoint& checkpoint);

}  // namespace tessera
