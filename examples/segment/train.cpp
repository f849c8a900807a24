#include <tessera/train/overfit.hpp>

#include "commands.hpp"
#include "interrupt.hpp"

namespace segment {

using namespace tessera;

namespace {

int self_test(Run& run) {
  Progress progress(stdout);
  const Overfit result = overfit_one_batch(run, progress);
  progress.say(to_text(result));
  std::error_code kept;
  std::filesystem::remove(run.options.out, kept);  // where it is empty: nothing was written
  return result.passed ? 0 : 1;
}

}  // namespace

int train(const TrainOptions& options) {
  Run run = checked([&] { return options.resume ? resume_run(options.run) : prepare_run(options.run); });
  if (options.overfit) return self_test(run);
  note_interrupts();
  const RunEnd end = execute(run, stdout, [] { return noted_interrupt() != 0; });
  return end == RunEnd::interrupted ? 128 + noted_interrupt() : 0;
}

}  // namespace segment
