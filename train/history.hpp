#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tessera {

/// What one epoch of training came to.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< from 1
  double seconds = 0;      ///< since training began
  double lr = 0;           ///< of the epoch's last step
  double train_loss = 0;
  double val_loss = 0;
  double val_pixel_accuracy = 0;
  double val_miou = 0;
  std::vector<std::optional<double>> val_iou{};  ///< one a class; empty for one neither in the masks nor predicted
  double images_per_second = 0;                  ///< trained on, the validation not counted
};

/// The record as one line of JSON, without a line break: the members above in their order, null for NaN.
std::string json_line(const EpochRecord& record);

/// history.jsonl: a line an epoch, on disk as soon as it is added. IoError where that fails.
class HistoryFile {
 public:
  /// Begins a new file.
  explicit HistoryFile(std::filesystem::path path);
  void add(const EpochRecord& record);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace tessera
