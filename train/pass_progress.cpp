#include <fmt/format.h>

#include <tessera/train/pass_progress.hpp>
#include <utility>

namespace tessera {

PassProgress::PassProgress(std::string what, std::int64_t total, std::FILE* out)
    : what_(std::move(what)), total_(total), progress_(out) {}

void PassProgress::advance() {
  const std::lock_guard lock(mutex_);
  ++done_;
  if (Clock::now() - began_ > std::chrono::seconds(1))
    progress_.show(fmt::format("{}: {} of {}", what_, done_, total_));
}

}  // namespace tessera
