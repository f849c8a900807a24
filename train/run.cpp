#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/data/augmentation_spec.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/class_weights.hpp>
#include <tessera/train/history.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>
#include <tessera/train/progress.hpp>
#include <tessera/train/report.hpp>
#include <tessera/train/run.hpp>
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

LabelLoss loss_of(const Checkpoint& checkpoint) {
  const auto spec = checkpoint.options.find("loss"), weights = checkpoint.options.find("class-weights");
  return loss_from_spec(spec == checkpoint.options.end() ? "ce" : spec->second,
                        {.class_weights = weights == checkpoint.options.end() ? std::vector<double>()
                                                                              : weights_from_numbers(weights->second),
                         .ignore_index = checkpoint.labels.ignore_index});
}

LoaderOptions training_batches(const Run& run) {
  const RunOptions& o = run.options;
  return {.batch_size = o.batch_size,
          .multiple_of = run.model->input_sizes().multiple,
          .seed = o.seed,
          .standardization = run.checkpoint.standardization,
          .augmentation = augmentation_from_spec(o.augment, o.data == "shapes" ? Size2D{} : o.size)};
}

LoaderOptions validation_batches(const Checkpoint& checkpoint) {
  // Images of a folder may differ in size, and one padded to another's would be predicted differently at its border.
  const auto data = checkpoint.options.find("data");
  const bool one_size = data != checkpoint.options.end() && data->second == "shapes";
  return {.batch_size = one_size ? 16 : 1, .shuffle = false, .standardization = checkpoint.standardization};
}

void draw_pictures(const Run& run, const fs::path& model_file, const fs::path& folder) {
  fs::create_directories(folder);
  Predictor predict(load_checkpoint(model_file));
  const std::vector<Rgb> colors = class_colors(run.checkpoint.labels.classes);
  for (std::int64_t i = 0; i < std::min(pictures_drawn, run.val->size()); ++i) {
    const Sample sample = run.val->get(i);
    const Tensor prediction = predict(sample.image);
    write_png(folder / (sample.name + ".png"),
              side_by_side({visible(sample.image), colored(sample.mask, colors), colored(prediction, colors)}));
  }
}

/// A training run while it lasts.
class Execution {
 public:
  Execution(Run& run, std::FILE* out)
      : run_(run),
        options_(run.options),
        loss_(loss_of(run.checkpoint)),
        batches_(run.train, training_batches(run)),
        val_batches_(run.val, validation_batches(run.checkpoint)),
        trainer_(*run.model, batches_, loss_,
                 {.optimizer = options_.optimizer, .epochs = options_.epochs, .clip_norm = options_.clip_norm}),
        progress_(out),
        report_(options_, run.checkpoint, run.val) {}

  void train() {
    announce();
    write_options();
    HistoryFile history(options_.out / "history.jsonl");
    while (trainer_.epoch() < options_.epochs) {
      const EpochRecord record = epoch();
      history.add(record);
      progress_.epoch_done(record, options_.epochs);
      if (options_.max_minutes > 0 && whole_.seconds() > 60 * options_.max_minutes) {
        progress_.say(fmt::format("stopped after epoch {} of {}: {} minutes are over", trainer_.epoch(),
                                  options_.epochs, options_.max_minutes));
        break;
      }
    }
    report_.finish();
    draw_pictures(run_, best_file(), options_.out / "pictures");
    conclude();
  }

 private:
  fs::path best_file() const { return options_.out / "best.safetensors"; }

  void announce() {
    const Checkpoint& c = run_.checkpoint;
    progress_.say(fmt::format(
        "{}, {} weights: {} images to train on, {} to validate, {} channels, {} classes{}", c.model.name,
        run_.model->parameter_count(), run_.train->size(), run_.val->size(), c.model.in_channels, c.labels.classes,
        c.labels.ignore_index == no_label ? "" : fmt::format(", {} ignored", c.labels.ignore_index)));
    progress_.say(fmt::format("{} epochs of {} steps of {} images of {}, loss {}, {} with rate {} ({})",
                              options_.epochs, batches_.batches(), options_.batch_size, options_.size.str(),
                              options_.loss, options_.optimizer.name, options_.optimizer.lr,
                              options_.optimizer.schedule));
  }

  void write_options() {
    const std::string text = to_toml(options_);
    AtomicFile file(options_.out / "options.toml");
    file.write(text.data(), text.size());
    file.commit();
  }

  EpochRecord epoch() {
    const Stopwatch training;
    const Trainer::Status end = trainer_.train_epoch([&](const Trainer::Status& status) { show(status, training); });
    const double seconds = training.seconds();
    const Evaluation evaluation =
        tessera::evaluate(*run_.model, val_batches_, loss_, {.inference = {.default_tile = options_.size}});
    save(evaluation);
    const SegmentationScores scores = evaluation.confusion.scores();
    const EpochRecord record{.epoch = trainer_.epoch(),
                             .seconds = whole_.seconds(),
                             .lr = end.lr,
                             .train_loss = end.loss,
                             .val_loss = evaluation.loss,
                             .val_pixel_accuracy = scores.pixel_accuracy.value_or(NAN),
                             .val_miou = scores.mean_iou.value_or(NAN),
                             .val_iou = scores.iou,
                             .images_per_second = static_cast<double>(end.images) / seconds};
    try {
      report_.add(record, evaluation, best_epoch_ == record.epoch, *run_.model);
    } catch (const IoError& error) {
      progress_.say(fmt::format("warning: {}; training goes on", error.what()));
    }
    return record;
  }

  void show(const Trainer::Status& status, const Stopwatch& training) {
    const auto done = static_cast<double>(trainer_.step());
    const auto all = static_cast<double>(options_.epochs * status.steps);
    progress_.update({.epoch = trainer_.epoch() + 1,
                      .epochs = options_.epochs,
                      .step = status.step,
                      .steps = status.steps,
                      .loss = status.loss,
                      .miou = last_miou_,
                      .images_per_second = static_cast<double>(status.images) / training.seconds(),
                      .seconds_left = whole_.seconds() * (all - done) / done});
  }

  void save(const Evaluation& evaluation) {
    Checkpoint checkpoint = run_.checkpoint;
    checkpoint.epoch = trainer_.epoch();
    checkpoint.step = trainer_.step();
    checkpoint.weights = run_.model->state_dict();
    checkpoint.training = trainer_.state_dict();
    save_checkpoint(options_.out / "last.safetensors", checkpoint);
    last_miou_ = evaluation.confusion.scores().mean_iou.value_or(0);
    if (best_ && last_miou_ <= best_->confusion.scores().mean_iou.value_or(0)) return;
    save_checkpoint(best_file(), checkpoint);
    best_ = evaluation;
    best_epoch_ = checkpoint.epoch;
  }

  void conclude() {
    if (!best_) return;
    progress_.say(fmt::format("\nbest epoch on the validation part: {}\n{}\n", best_epoch_,
                              to_text(*best_, run_.checkpoint.labels)));
    progress_.say(fmt::format("pictures (input, truth, prediction): {}", (options_.out / "pictures").string()));
    progress_.say(fmt::format("checkpoints: {} and last.safetensors beside it", best_file().string()));
    progress_.say(fmt::format("report: {}", (options_.out / "report.html").string()));
    progress_.say(fmt::format("history: {}", (options_.out / "history.jsonl").string()));
  }

  Run& run_;
  const RunOptions& options_;
  LabelLoss loss_;
  Loader batches_, val_batches_;
  Trainer trainer_;
  Progress progress_;
  RunReport report_;
  Stopwatch whole_;
  double last_miou_ = -1;  // none yet
  std::optional<Evaluation> best_;
  std::int64_t best_epoch_ = 0;
};

}  // namespace

void execute(Run& run, std::FILE* out) { Execution(run, out).train(); }

Evaluation evaluate(SegmentationModel& model, std::shared_ptr<const Dataset> data, const Checkpoint& checkpoint,
                    EvaluationOptions options) {
  options.inference = with_training_size(options.inference, checkpoint);
  Loader batches(std::move(data), validation_batches(checkpoint));
  return evaluate(model, batches, loss_of(checkpoint), options);
}

}  // namespace tessera
