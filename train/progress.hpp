#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <tessera/train/history.hpp>

namespace tessera {

/// Where a training run stands.
struct ProgressState {
  std::int64_t epoch = 0;  ///< from 1
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< done in this epoch
  std::int64_t steps = 0;
  double loss = 0;   ///< mean of this epoch so far
  double lr = 0;     ///< of the last step
  double miou = -1;  ///< of the last validation; negative before the first
  double images_per_second = 0;
  double seconds_left = 0;
};

/// "epoch 3/20 [######----] 120/200  loss 0.312  lr 0.0018  mIoU 0.913  412 images/s  1:05 left"
std::string progress_line(const ProgressState& state);

/// "0:07", "12:30", "1:02:03"
std::string duration(double seconds);

/// Shows a run while it lasts: on a terminal one line that is redrawn, elsewhere plain lines, at most one in ten
/// seconds besides those that end an epoch.
class Progress {
 public:
  explicit Progress(std::FILE* out);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `state` if the last time was long enough ago.
  void update(const ProgressState& state) { show(progress_line(state)); }
  /// The same for a line of another program's making.
  void show(const std::string& line);
  /// A line that stays.
  void say(const std::string& line);
  /// The line that ends an epoch.
  void epoch_done(const EpochRecord& record, std::int64_t epochs);

 private:
  using Clock = std::chrono::steady_clock;
  void clear();

  std::FILE* out_;
  bool live_;
  bool drawn_ = false;
  Clock::time_point shown_;
};

}  // namespace tessera
