#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <tessera/core/parallel.hpp>
#include <tessera/core/simd_target.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/report.hpp>

namespace tessera {
namespace {

/// "streets" for "/data/streets/"
std::string folder_name(const std::filesystem::path& folder) {
  const std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "not known";
}

Facts machine_facts() {
  return {{"processor", processor_name()},
          {"threads", fmt::format("{}", num_threads())},
          {"vector instructions", simd_target()}};
}

RunReport::RunReport(const RunOptions& options, const Checkpoint& checkpoint, std::shared_ptr<const Dataset> val,
                     std::vector<EpochRecord> earlier)
    : file_(options.out / "report.html"),
      val_(std::move(val)),
      standardization_(checkpoint.standardization),
      inference_({.default_tile = options.size}),
      epochs_(options.epochs) {
  report_.title = fmt::format("{} on {}", checkpoint.model.name, folder_name(options.data));
  report_.running = true;
  report_.labels = checkpoint.labels;
  report_.colors = class_colors(checkpoint.labels);
  report_.history = std::move(earlier);
  report_.machine = machine_facts();
  for (const RunOption& option : run_options())
    if (const std::string value = option.get(options); !value.empty()) report_.options.emplace_back(option.name, value);
  double highest = -1;
  for (const EpochRecord& record : report_.history)
    if (record.val_miou > highest) {
      highest = record.val_miou;
      report_.best_epoch = record.epoch;
    }
}

RunReport::~RunReport() {
  if (!report_.running || report_.history.empty()) return;
  report_.running = false;
  report_.state = fmt::format("stopped after epoch {} of {}", report_.history.back().epoch, epochs_);
  try {
    write();
  } catch (const std::exception&) {
    // The page of the last epoch stays, which is all that is lost.
  }
}

void RunReport::add(const EpochRecord& record, const Evaluation& evaluation, bool best, SegmentationModel& model) {
  report_.history.push_back(record);
  report_.state = fmt::format("epoch {} of {}", record.epoch, epochs_);
  if (best) report_.best_epoch = record.epoch;
  if (best || !report_.evaluation) show(record.epoch, evaluation, model);
  write();
}

void RunReport::show(std::int64_t epoch, const Evaluation& evaluation, SegmentationModel& model) {
  report_.evaluation = evaluation;
  report_.evaluated_epoch = epoch;
  Inference inference(model, inference_);
  const auto predict = [&](const Tensor& image) {
    const Tensor input = standardize(image, standardization_);
    return inference.classes(input.reshape({1, image.size(0), image.size(1), image.size(2)}))
        .reshape({image.size(0), image.size(1)});
  };
  report_.examples = draw_examples(evaluation, *val_, predict, report_.colors);
}

void RunReport::finish() {
  report_.running = false;
  report_.state = report_.history.empty() ? "no epoch"
                  : report_.history.back().epoch < epochs_
                      ? fmt::format("ended after epoch {} of {}", report_.history.back().epoch, epochs_)
                      : fmt::format("{} epoch{}", epochs_, epochs_ == 1 ? "" : "s");
  write();
}

void RunReport::write() const { write_whole(file_, report_html(report_)); }

}  // namespace tessera
