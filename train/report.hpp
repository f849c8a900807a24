#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/evaluate.hpp>
#include <tessera/train/history.hpp>
#include <tessera/train/report_examples.hpp>
#include <tessera/train/run_options.hpp>
#include <utility>
#include <vector>

namespace tessera {

/// Names and values, as a table of two columns.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// All that a report of a training run shows.
struct Report {
  std::string title;     ///< "unet on camvid"
  std::string state;     ///< "epoch 3 of 60", "60 epochs"
  bool running = false;  ///< the page then loads itself anew every ten seconds
  Labels labels{};
  std::vector<Rgb> colors{};  ///< of the classes
  std::vector<EpochRecord> history{};
  std::int64_t best_epoch = 0;             ///< 0: none yet
  std::int64_t evaluated_epoch = 0;        ///< whose evaluation this is
  std::optional<Evaluation> evaluation{};  ///< on the validation part
  std::vector<ReportExample> examples{};   ///< of that evaluation
  Facts machine{}, options{};
  std::vector<std::string> left_out{};  ///< images that could not be read, and why
};

/// The report as one HTML file that needs no other and no network.
std::string report_html(const Report& report);

/// The processor's name, as /proc/cpuinfo gives it.
std::string processor_name();
/// That, and how many threads and which vector instructions the kernels use.
Facts machine_facts();

/// Keeps RUN/report.html up to date while a run lasts; when it goes, the page stops loading itself anew.
class RunReport {
 public:
  /// `val` is the validation part, `earlier` what came of a resumed run before.
  RunReport(const RunOptions& options, const Checkpoint& checkpoint, std::shared_ptr<const Dataset> val,
            std::vector<EpochRecord> earlier = {});
  ~RunReport();
  RunReport(const RunReport&) = delete;
  RunReport& operator=(const RunReport&) = delete;

  /// Adds an epoch, where it is the best with its evaluation and examples, and writes the file. `model` has the weights
  /// that `evaluation` is of. IoError where the file cannot be written; the one before is then still there.
  void add(const EpochRecord& record, const Evaluation& evaluation, bool best, SegmentationModel& model);
  /// Shows an evaluation of an epoch added before, and examples from `model`, in place of any other.
  void show(std::int64_t epoch, const Evaluation& evaluation, SegmentationModel& model);
  /// Lists an image that could not be read, and why, from the next time that the file is written.
  void leave_out(const std::string& reason) { report_.left_out.push_back(reason); }
  /// Writes the file as that of a run that came to its end.
  void finish();

 private:
  void write() const;

  std::filesystem::path file_;
  std::shared_ptr<const Dataset> val_;
  Standardization standardization_;
  InferenceOptions inference_;
  std::int64_t epochs_;
  Report report_;
};

}  // namespace tessera
