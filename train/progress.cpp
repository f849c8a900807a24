#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <tessera/train/progress.hpp>

namespace tessera {
namespace {

std::string miou_text(double miou) { return miou < 0 ? "-" : fmt::format("{:.3f}", miou); }

/// A line that wraps could not be redrawn.
std::string cut_to_terminal(std::string line, std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && line.size() >= size.ws_col)
    line.resize(static_cast<std::size_t>(size.ws_col) - 1);
  return line;
}

}  // namespace

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string progress_line(const ProgressState& state) {
  constexpr std::int64_t width = 20;
  const std::int64_t filled = state.steps > 0 ? width * state.step / state.steps : 0;
  return fmt::format("epoch {}/{} [{:-<{}}] {}/{}  loss {:.4f}  lr {:.2g}  mIoU {}  {:.0f} images/s  {} left",
                     state.epoch, state.epochs, std::string(static_cast<std::size_t>(filled), '#'), width, state.step,
                     state.steps, state.loss, state.lr, miou_text(state.miou), state.images_per_second,
                     duration(state.seconds_left));
}

Progress::Progress(std::FILE* out) : out_(out), live_(isatty(fileno(out)) == 1), shown_(Clock::now()) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& line) {
  const auto pause = live_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  const Clock::time_point now = Clock::now();
  if (now - shown_ < pause) return;
  shown_ = now;
  if (!live_) return say(line);
  std::fprintf(out_, "\r\033[K%s", cut_to_terminal(line, out_).c_str());
  std::fflush(out_);
  drawn_ = true;
}

void Progress::say(const std::string& line) {
  clear();
  std::fprintf(out_, "%s\n", line.c_str());
  std::fflush(out_);
}

void Progress::epoch_done(const EpochRecord& record, std::int64_t epochs) {
  say(fmt::format("epoch {:>{}}/{}  loss {:.4f}  val loss {:.4f}  accuracy {:.4f}  mIoU {:.4f}  {:.0f} images/s  {}",
                  record.epoch, fmt::formatted_size("{}", epochs), epochs, record.train_loss, record.val_loss,
                  record.val_pixel_accuracy, record.val_miou, record.images_per_second, duration(record.seconds)));
  shown_ = Clock::now();
}

void Progress::clear() {
  if (drawn_) std::fprintf(out_, "\r\033[K");
  drawn_ = false;
}

}  // namespace tessera
