#include <fmt/format.h>
#include <unistd.h>

#include <tessera/train/pass_progress.hpp>
#include <utility>

namespace tessera {
namespace {

constexpr const char* erase_line = "\r\033[K";

}  // namespace

PassProgress::PassProgress(std::string what, std::int64_t total, std::FILE* out)
    : what_(std::move(what)),
      total_(total),
      out_(out),
      live_(isatty(fileno(out)) != 0),
      next_(Clock::now() + std::chrono::seconds(live_ ? 1 : 10)) {}

PassProgress::~PassProgress() {
  if (!drawn_ || !live_) return;
  std::fputs(erase_line, out_);
  std::fflush(out_);
}

void PassProgress::advance() {
  const std::lock_guard lock(mutex_);
  ++done_;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + (live_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10));
  drawn_ = true;
  const std::string line = fmt::format("{}: {} of {}", what_, done_, total_);
  std::fputs(live_ ? (erase_line + line).c_str() : (line + "\n").c_str(), out_);
  std::fflush(out_);
}

}  // namespace tessera
