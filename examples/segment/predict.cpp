#include <spdlog/spdlog.h>

#include <chrono>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/progress.hpp>
#include <tessera/train/run_folder.hpp>

#include "commands.hpp"

namespace segment {

using namespace tessera;

bool predict(const PredictOptions& options) {
  const Checkpoint checkpoint = checked([&] { return load_checkpoint(options.model); });
  Predictor predictor = checked([&] { return Predictor(checkpoint, options.inference); });
  const std::vector<PredictionTask> tasks = checked(
      [&] { return prediction_tasks(options.paths, options.out, options.probabilities, checkpoint.labels.classes); });
  checked([&] { make_output_folder(options.out); });
  const std::vector<Rgb> colors = class_colors(checkpoint.labels);

  Progress progress(stderr);
  const auto began = std::chrono::steady_clock::now();
  std::size_t failed = 0, skipped = 0, predicted = 0;
  for (const PredictionTask& task : tasks) {
    if (options.skip_existing && std::filesystem::exists(mask_file(options.out, task.name))) {
      ++skipped;
      continue;
    }
    Tensor image;
    Prediction prediction;
    try {
      image = predictor.read(task.image);
      prediction = predictor.predict(image, options.probabilities != ProbabilityFormat::none);
    } catch (const std::exception& error) {
      const std::string what = error.what(), name = task.image.string();
      progress.say(
          fmt::format("error: {}; it is left out", what.find(name) == 0 ? what : fmt::format("{}: {}", name, what)));
      ++failed;
      continue;
    }
    write_prediction(options.out, task.name, image, prediction, colors, options.probabilities);
    ++predicted;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const std::size_t left = tasks.size() - failed - skipped - predicted;
    progress.show(fmt::format("{}/{}  {}  {:.2f} images/s  {} left", tasks.size() - left, tasks.size(),
                              task.image.filename().string(), static_cast<double>(predicted) / seconds,
                              duration(seconds / static_cast<double>(predicted) * static_cast<double>(left))));
  }
  progress.say(fmt::format("{} of {} images predicted{}{}", predicted, tasks.size(),
                           skipped > 0 ? fmt::format(", {} skipped that were there", skipped) : "",
                           predicted + skipped == 0
                               ? ""
                               : fmt::format(": class indices in {}, in colour beside them (*_overlay.png)",
                                             (options.out / "*.png").string())));
  return failed == 0;
}

}  // namespace segment
