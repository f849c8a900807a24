#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <tessera/train/progress.hpp>

namespace tessera {

/// Shows how far a pass over all files is, "masks counted: 1200 of 36000", once it takes longer than a second: on a
/// terminal a line that is redrawn and goes away in the end, elsewhere a line every ten seconds.
class PassProgress {
 public:
  PassProgress(std::string what, std::int64_t total, std::FILE* out);

  /// One more is done; any thread may say so.
  void advance();

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  std::int64_t total_, done_ = 0;
  Progress progress_;
  std::mutex mutex_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace tessera
