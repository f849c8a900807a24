#include "interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace segment {
namespace {

std::atomic<int> noted = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // so that a signal handler may use it

void note(int signal) {
  if (noted.exchange(signal) != 0) _exit(128 + signal);
  constexpr std::string_view text = "\nfinishing this step and saving; once more leaves at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void note_interrupts() {
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

int noted_interrupt() { return noted; }

}  // namespace segment
