#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <tessera/data/loader.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/checkpoint.hpp>
#include <tessera/train/make_optimizer.hpp>
#include <tessera/train/weight_average.hpp>

namespace tessera {

struct TrainerOptions {
  OptimizerOptions optimizer{};
  std::int64_t epochs = 1;      ///< that the schedule is laid out for
  double clip_norm = 0;         ///< largest norm of all gradients together; 0: any
  std::int64_t accumulate = 1;  ///< batches whose gradients make one step
  double ema = 0;               ///< decay of the weights' moving average; 0: none is kept
};

/// Trains a network epoch by epoch: loader -> forward -> loss -> backward -> clip -> step -> schedule.
///
/// A step is one update of the optimizer, from `accumulate` batches: its gradient is that of the loss's mean over all
/// pixels that count in them. The last step of an epoch has the batches that are left.
class Trainer {
 public:
  /// `model` and `loader` must outlive the trainer.
  Trainer(SegmentationModel& model, Loader& loader, LabelLoss loss, const TrainerOptions& options);

  /// Where the epoch now running stands.
  struct Status {
    std::int64_t batch = 0;   ///< batches trained on in this epoch
    std::int64_t images = 0;  ///< in them
    double loss_sum = 0;      ///< over the pixels counted so far in this epoch
    double loss_weight = 0;
    double lr = 0;  ///< of the last step

    double loss() const { return loss_weight > 0 ? loss_sum / loss_weight : 0; }
  };
  /// What is told after every step; false stops there.
  using Watch = std::function<bool(const Status&, const std::vector<SkippedSample>& skipped)>;

  /// Trains to the end of the epoch, from wherever it stands, and says whether it came there. Error names the layer and
  /// the step where the loss or a gradient is not finite: the weights are then those before that step.
  bool train_epoch(const Watch& watch = {});
  /// Goes to the next epoch, once the one before has been trained and evaluated.
  void end_epoch();

  std::int64_t epoch() const { return epoch_; }  ///< finished
  std::int64_t step() const { return step_; }    ///< updates of the optimizer
  std::int64_t steps_an_epoch() const { return (loader_->batches() + accumulate_ - 1) / accumulate_; }
  const Status& status() const { return status_; }

  /// Tries the weights as they are now on the batch trained on last, before they are saved over others: Error, as of
  /// the next step, where the loss or a gradient is not finite. Nothing else changes.
  void check_weights();

  /// Writes the whole state into a checkpoint: its `weights` are the averages where averages are kept, and those that
  /// are trained stand beside them as "trained/PATH" in `training`.
  void save(Checkpoint& checkpoint) const;
  /// Goes on where `checkpoint` was saved. ValueError or ShapeError names what does not fit.
  void restore(const Checkpoint& checkpoint);

  /// Puts the averages, where they are kept, into the model while it lives.
  class Averaged {
   public:
    explicit Averaged(Trainer& trainer) : average_(trainer.average_.get()) { exchange(); }
    ~Averaged() { exchange(); }
    Averaged(const Averaged&) = delete;
    Averaged& operator=(const Averaged&) = delete;

   private:
    void exchange() {
      if (average_ != nullptr) average_->exchange();
    }
    WeightAverage* average_;
  };

  /// Error: the epoch and step in which `what` was not finite, where it began if that is known, and what may help.
  [[noreturn]] void stop(const std::string& what, const std::string& where = "") const;

 private:
  struct Step;
  void add_gradients(const Batch& batch, Step& step);
  void update(const Step& step);
  void check_gradients() const;

  SegmentationModel* model_;
  Loader* loader_;
  LabelLoss loss_;
  double clip_norm_;
  bool warms_up_;
  std::int64_t accumulate_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<LRScheduler> schedule_;
  std::unique_ptr<WeightAverage> average_;
  std::int64_t epoch_ = 0;
  std::int64_t step_ = 0;
  Status status_{};
  Batch last_{};  ///< that counted
};

}  // namespace tessera
