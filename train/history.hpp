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

/// The record that json_line() gave this line; nothing where the line is none, such as half of one.
std::optional<EpochRecord> record_from(const std::string& line);

/// history.jsonl: a line an epoch, on disk as soon as it is added. IoError where that fails.
class HistoryFile {
 public:
  /// Keeps the lines of the first `epochs` epochs of a file that is there, and begins a new one otherwise.
  explicit HistoryFile(std::filesystem::path path, std::int64_t epochs = 0);
  void add(const EpochRecord& record);
  /// The epochs kept, and those added.
  const std::vector<EpochRecord>& records() const { return records_; }

 private:
  void check() const;

  std::filesystem::path path_;
  std::ofstream file_;
  std::vector<EpochRecord> records_;
};

}  // namespace tessera
