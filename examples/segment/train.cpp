#include <fmt/format.h>

#include <tessera/data/image.hpp>
#include <tessera/train/augmentation_sheet.hpp>
#include <tessera/train/overfit.hpp>
#include <tessera/train/run_folder.hpp>

#include "commands.hpp"
#include "interrupt.hpp"

namespace segment {

using namespace tessera;

namespace {

int self_test(Run& run) {
  Progress progress(stdout);
  const Overfit result = overfit_one_batch(run, progress);
  progress.say(to_text(result));
  return result.passed ? 0 : 1;
}

int preview(Run& run, const std::filesystem::path& file) {
  const LoaderOptions batches = training_batches(run);
  const Tensor sheet = augmentation_sheet(*run.train, batches.augmentation,
                                          {.seed = batches.seed, .fill = batches.standardization.mean});
  checked([&] { write_png(file, sheet); });
  fmt::print("{}: each row an image as it is, then as the first epochs see it\n", file.string());
  return 0;
}

}  // namespace

int train(const TrainOptions& options) {
  Run run = checked([&] { return options.resume ? resume_run(options.run) : prepare_run(options.run); });
  if (options.overfit) return self_test(run);
  if (!options.preview.empty()) return preview(run, options.preview);
  checked([&] { make_output_folder(run.options.out); });
  note_interrupts();
  const RunEnd end = execute(run, stdout, [] { return noted_interrupt() != 0; });
  return end == RunEnd::interrupted ? 128 + noted_interrupt() : 0;
}

}  // namespace segment
