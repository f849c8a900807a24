#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <tessera/data/loader.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/models/segmentation_model.hpp>
#include <tessera/train/make_optimizer.hpp>

namespace tessera {

struct TrainerOptions {
  OptimizerOptions optimizer{};
  std::int64_t epochs = 1;  ///< that the schedule is laid out for
  double clip_norm = 0;     ///< largest norm of all gradients together; 0: any
};

/// Trains a network epoch by epoch: loader -> forward -> loss -> backward -> clip -> step -> schedule.
class Trainer {
 public:
  /// `model` and `loader` must outlive the trainer.
  Trainer(SegmentationModel& model, Loader& loader, LabelLoss loss, const TrainerOptions& options);

  /// Where the epoch now running stands.
  struct Status {
    std::int64_t step = 0;  ///< done in this epoch
    std::int64_t steps = 0;
    std::int64_t images = 0;  ///< trained on in this epoch
    double loss = 0;          ///< mean over the pixels counted so far in this epoch
    double lr = 0;            ///< of the last step
  };
  /// Trains one epoch and returns how it ended; calls `watch` after every step. Error, naming the step, where the loss
  /// is not finite: the weights are then those before that step.
  Status train_epoch(const std::function<void(const Status&)>& watch = {});

  std::int64_t epoch() const { return epoch_; }  ///< finished
  std::int64_t step() const { return step_; }    ///< updates of the optimizer
  /// Optimizer and schedule, as a checkpoint keeps them.
  StateDict state_dict() const;

 private:
  /// Sum and weight of the loss of one batch, after the weights were updated by it.
  std::pair<double, double> train_step(const Batch& batch);

  SegmentationModel* model_;
  Loader* loader_;
  LabelLoss loss_;
  double clip_norm_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<LRScheduler> schedule_;
  std::int64_t epoch_ = 0;
  std::int64_t step_ = 0;
};

}  // namespace tessera
