#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/history.hpp>
#include <tessera/train/inspect_hint.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/progress.hpp>
#include <tessera/train/report.hpp>
#include <tessera/train/run.hpp>
#include <tessera/train/run_folder.hpp>
#include <tessera/train/trainer.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t pictures_drawn = 8;

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point began_ = Clock::now();
};

/// Ends a run from wherever it stands between two steps.
struct Interrupted {};

LoaderOptions lenient(LoaderOptions options, const RunOptions& run) {
  options.skip_unreadable = !run.strict;
  return options;
}

void draw_pictures(const Run& run, const fs::path& model_file, const fs::path& folder) {
  std::error_code error;  // the first picture says it better
  fs::create_directories(folder, error);
  Predictor predict(load_checkpoint(model_file));
  const std::vector<Rgb> colors = class_colors(run.checkpoint.labels);
  for (std::int64_t i = 0; i < std::min(pictures_drawn, run.val->size()); ++i) {
    if (run.val_left_out.contains(i)) continue;
    const Sample sample = run.val->get(i);
    const Tensor prediction = predict(sample.image);
    write_png(folder / (sample.name + ".png"),
              side_by_side({visible(sample.image), colored(sample.mask, colors), colored(prediction, colors)}));
  }
}

/// A training run while it lasts.
class Execution {
 public:
  Execution(Run& run, std::FILE* out, const std::function<bool()>& interrupted)
      : run_(run),
        options_(run.options),
        interrupted_(interrupted),
        loss_(loss_of(run.checkpoint, run.checkpoint.labels.ignore_index)),
        batches_(run.train, training_batches(run)),
        val_batches_(run.val, lenient(validation_batches(run.checkpoint), run.options)),
        trainer_(*run.model, batches_, loss_,
                 {.optimizer = options_.optimizer,
                  .epochs = options_.epochs,
                  .clip_norm = options_.clip_norm,
                  .accumulate = options_.accumulate,
                  .ema = options_.ema}),
        progress_(out) {}

  RunEnd train() {
    make_output_folder(options_.out);
    if (!run_.resumed())
      if (const fs::path aside = keep_earlier_run(options_.out); !aside.empty())
        progress_.say(fmt::format("the earlier run in {} is now {}", options_.out.string(), aside.string()));
    announce();
    restore();
    write_options();
    HistoryFile history(options_.out / "history.jsonl", trainer_.epoch());
    if (!history.records().empty()) seconds_before_ = history.records().back().seconds;
    report_.emplace(options_, run_.checkpoint, run_.val, history.records());
    for (const std::string& reason : run_.left_out) report_->leave_out(reason);
    std::string end = reason_to_end();
    try {
      for (; end.empty(); end = reason_to_end()) epoch(history);
    } catch (const Interrupted&) {
      save_within_epoch();
      progress_.say(fmt::format("interrupted in epoch {} and saved; go on with: segment train --resume {}",
                                trainer_.epoch() + 1, options_.out.string()));
      return RunEnd::interrupted;
    }
    progress_.say(end);
    conclude();
    return RunEnd::finished;
  }

 private:
  fs::path best_file() const { return options_.out / "best.safetensors"; }
  double seconds() const { return seconds_before_ + session_.seconds(); }

  void announce() {
    const Checkpoint& c = run_.checkpoint;
    const auto left = [](const Dataset& data, const std::set<std::int64_t>& left_out) {
      return data.size() - static_cast<std::int64_t>(left_out.size());
    };
    for (const std::string& note : run_.notes) progress_.say(note);
    for (const std::string& reason : run_.left_out) progress_.say("left out for the whole run: " + reason);
    progress_.say(
        fmt::format("{}, {} weights: {} images to train on, {} to validate, {} channels, {} classes{}", c.model.name,
                    run_.model->parameter_count(), left(*run_.train, c.left_out), left(*run_.val, run_.val_left_out),
                    c.model.in_channels, c.labels.classes,
                    c.labels.ignore_index == no_label ? "" : fmt::format(", {} ignored", c.labels.ignore_index)));
    const std::string batches = options_.accumulate > 1 ? fmt::format("{} x ", options_.accumulate) : "";
    progress_.say(fmt::format("{} epochs of {} steps of {}{} images of {}, loss {}, {} with rate {} ({})",
                              options_.epochs, trainer_.steps_an_epoch(), batches, options_.batch_size,
                              options_.size.str(), options_.loss, options_.optimizer.name, options_.optimizer.lr,
                              options_.optimizer.schedule));
  }

  void restore() {
    if (!run_.resumed()) return;
    trainer_.restore(run_.checkpoint);
    run_.checkpoint.weights.clear();
    run_.checkpoint.training.clear();
    first_step_ = trainer_.step();
    progress_.say(fmt::format("goes on after {} epochs and {} of {} batches", trainer_.epoch(), trainer_.status().batch,
                              batches_.batches()));
  }

  void write_options() { write_whole(options_.out / "options.toml", to_toml(options_)); }

  /// Why no further epoch is trained; empty where one is.
  std::string reason_to_end() const {
    const BestEpoch& best = run_.checkpoint.best;
    if (trainer_.epoch() >= options_.epochs) return fmt::format("all {} epochs are done", options_.epochs);
    if (trainer_.status().batch > 0) return "";
    if (options_.patience > 0 && trainer_.epoch() - best.epoch >= options_.patience)
      return fmt::format("stopped after epoch {} of {}: none of the last {} was better than epoch {}", trainer_.epoch(),
                         options_.epochs, options_.patience, best.epoch);
    if (options_.max_minutes > 0 && trainer_.epoch() > 0 && seconds() > 60 * options_.max_minutes)
      return fmt::format("stopped after epoch {} of {}: {} minutes are over", trainer_.epoch(), options_.epochs,
                         options_.max_minutes);
    return "";
  }

  void epoch(HistoryFile& history) {
    train_epoch();
    const Trainer::Status status = trainer_.status();
    const Evaluation evaluation = validate();
    if (!std::isfinite(evaluation.loss)) trainer_.stop("the validation loss");
    trainer_.end_epoch();
    const SegmentationScores scores = evaluation.confusion.scores();
    const EpochRecord record{.epoch = trainer_.epoch(),
                             .seconds = seconds(),
                             .lr = status.lr,
                             .train_loss = status.loss(),
                             .val_loss = evaluation.loss,
                             .val_pixel_accuracy = scores.pixel_accuracy.value_or(NAN),
                             .val_miou = scores.mean_iou.value_or(NAN),
                             .val_iou = scores.iou,
                             .images_per_second = images_per_second_};
    // In this order, so that a run killed in between does the epoch again and comes to the same.
    history.add(record);
    last_miou_ = scores.mean_iou.value_or(0);
    if (run_.checkpoint.best.epoch == 0 || last_miou_ > run_.checkpoint.best.miou) {
      run_.checkpoint.best = {trainer_.epoch(), last_miou_};
      best_ = evaluation;
      save("best.safetensors");
    }
    save("last.safetensors");
    report(record, evaluation);
    progress_.epoch_done(record, options_.epochs);
  }

  void train_epoch() {
    const Stopwatch training;
    const std::int64_t images_before = trainer_.status().images;
    batches_.leave_out(run_.checkpoint.left_out);
    const auto watch = [&](const Trainer::Status& status, const std::vector<SkippedSample>& skipped) {
      for (const SkippedSample& sample : skipped) leave_out(sample, run_.checkpoint.left_out);
      images_per_second_ = static_cast<double>(status.images - images_before) / training.seconds();
      show(status);
      if (interrupted_ && interrupted_()) return false;
      if (options_.save_every > 0 && since_save_.seconds() > 60 * options_.save_every) save_within_epoch();
      return true;
    };
    if (!trainer_.train_epoch(watch)) throw Interrupted{};
  }

  Evaluation evaluated(SegmentationModel& model, const LabelLoss& loss) {
    std::int64_t done = 0;
    const auto show = [&] { progress_.show(fmt::format("validating  {}/{}", ++done, run_.val->size())); };
    return tessera::evaluate(model, val_batches_, loss,
                             {.inference = {.default_tile = options_.size}, .measured = show});
  }

  Evaluation validate() {
    const Trainer::Averaged averaged(trainer_);
    val_batches_.leave_out(run_.val_left_out);
    Evaluation evaluation = evaluated(*run_.model, [&](const Tensor& logits, const Tensor& masks) {
      if (interrupted_ && interrupted_()) throw Interrupted{};
      return loss_(logits, masks);
    });
    for (const SkippedSample& sample : evaluation.skipped) leave_out(sample, run_.val_left_out);
    return evaluation;
  }

  void report(const EpochRecord& record, const Evaluation& evaluation) {
    const Trainer::Averaged averaged(trainer_);
    written("training goes on",
            [&] { report_->add(record, evaluation, run_.checkpoint.best.epoch == record.epoch, *run_.model); });
  }

  /// Whether `write` wrote what a run can do without: a warning tells what stood in its way, and that `all_the_same`.
  template <class Write>
  bool written(const char* all_the_same, const Write& write) {
    try {
      write();
      return true;
    } catch (const IoError& error) {
      progress_.say(fmt::format("warning: {}; {}", error.what(), all_the_same));
      return false;
    }
  }

  void leave_out(const SkippedSample& sample, std::set<std::int64_t>& left_out) {
    if (!left_out.insert(sample.index).second) return;
    progress_.say("left out for the rest of the run: " + sample.reason);
    report_->leave_out(sample.reason);
  }

  void show(const Trainer::Status& status) {
    const auto done = static_cast<double>(trainer_.step() - first_step_);
    const auto left = static_cast<double>(options_.epochs * trainer_.steps_an_epoch() - trainer_.step());
    progress_.update({.epoch = trainer_.epoch() + 1,
                      .epochs = options_.epochs,
                      .step = status.batch,
                      .steps = batches_.batches(),
                      .loss = status.loss(),
                      .lr = status.lr,
                      .miou = last_miou_,
                      .images_per_second = images_per_second_,
                      .seconds_left = session_.seconds() * left / done});
  }

  /// No loss has been computed with the weights since the last step, which may have blown them up.
  void save_within_epoch() {
    trainer_.check_weights();
    save("last.safetensors");
  }

  void save(const char* name) {
    Checkpoint checkpoint = run_.checkpoint;
    trainer_.save(checkpoint);
    try {
      save_checkpoint(options_.out / name, checkpoint);
    } catch (const IoError& error) {
      if (!fs::exists(options_.out / "last.safetensors")) throw;
      throw IoError(fmt::format("{}; what was saved before is whole: segment train --resume {} goes on from there",
                                error.what(), options_.out.string()));
    }
    since_save_ = {};
  }

  void conclude() {
    if (run_.checkpoint.best.epoch == 0) return;
    if (!best_) {  // found before the run was resumed
      const auto model = rebuild_model(load_checkpoint(best_file()));
      best_ = evaluated(*model, loss_);
      report_->show(run_.checkpoint.best.epoch, *best_, *model);
    }
    const char* all_the_same = "the run is complete without it";
    const fs::path pictures = options_.out / "pictures";
    const bool reported = written(all_the_same, [&] { report_->finish(); });
    const bool drawn = written(all_the_same, [&] { draw_pictures(run_, best_file(), pictures); });
    progress_.say(fmt::format("\nbest epoch on the validation part: {}\n{}\n", run_.checkpoint.best.epoch,
                              to_text(*best_, run_.checkpoint.labels)));
    if (drawn) progress_.say(fmt::format("pictures (input, truth, prediction): {}", pictures.string()));
    progress_.say(fmt::format("checkpoints: {} and last.safetensors beside it", best_file().string()));
    if (reported) progress_.say(fmt::format("report: {}", (options_.out / "report.html").string()));
    progress_.say(fmt::format("history: {}", (options_.out / "history.jsonl").string()));
  }

  Run& run_;
  const RunOptions& options_;
  std::function<bool()> interrupted_;
  LabelLoss loss_;
  Loader batches_, val_batches_;
  Trainer trainer_;
  Progress progress_;
  std::optional<RunReport> report_;
  Stopwatch session_, since_save_;
  double seconds_before_ = 0;  // of training before the run was resumed
  std::int64_t first_step_ = 0;
  double images_per_second_ = 0;
  double last_miou_ = -1;  // none yet
  std::optional<Evaluation> best_;
};

}  // namespace

RunEnd execute(Run& run, std::FILE* out, const std::function<bool()>& interrupted) {
  return reading_samples(run.options.data, [&] { return Execution(run, out, interrupted).train(); });
}

}  // namespace tessera
