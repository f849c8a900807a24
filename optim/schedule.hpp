#pragma once

#include <cstdint>
#include <functional>
#include <tessera/optim/optimizer.hpp>
#include <vector>

namespace tessera {

/// A learning rate as a function of the one the optimizer began with and of an epoch, counted from 0.
using Schedule = std::function<double(double base_lr, std::int64_t epoch)>;

struct ConstantLROptions {
  double factor = 1.0 / 3;
  std::int64_t total_iters = 5;  ///< epochs that the factor holds for
};
/// base_lr factor before epoch total_iters, base_lr from then on; as torch's ConstantLR.
Schedule constant_lr(const ConstantLROptions& options = {});

struct StepLROptions {
  std::int64_t step_size = 0;  ///< epochs between two drops
  double gamma = 0.1;
};
/// base_lr gamma^floor(epoch / step_size); as torch's StepLR.
Schedule step_lr(const StepLROptions& options);

struct CosineLROptions {
  std::int64_t t_max = 0;  ///< epochs from base_lr down to eta_min
  double eta_min = 0;
};
/// eta_min + (base_lr - eta_min) (1 + cos(pi epoch / t_max)) / 2; as torch's CosineAnnealingLR (Loshchilov and Hutter
/// 2017).
Schedule cosine_lr(const CosineLROptions& options);

struct PolyLROptions {
  std::int64_t total_iters = 5;  ///< epochs from base_lr down to 0
  double power = 1;
};
/// base_lr (1 - min(epoch, total_iters) / total_iters)^power; as torch's PolynomialLR.
Schedule poly_lr(const PolyLROptions& options = {});

struct WarmupLROptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  std::int64_t total_iters = 5;  ///< epochs of the warm-up
};
/// base_lr (start_factor + (end_factor - start_factor) epoch / total_iters) before epoch total_iters, then `after`,
/// whose epochs count from there (base_lr end_factor without one); as torch's SequentialLR of LinearLR and `after`.
Schedule warmup_lr(const WarmupLROptions& options = {}, Schedule after = {});

/// Sets an optimizer's learning rates by a schedule, as torch's schedulers do.
///
/// Construction sets the rates of epoch 0, each step() those of the next epoch: call it once an epoch, after the
/// optimizer's steps (or once a batch, where the schedule counts batches). Each group is scaled from its own rate.
class LRScheduler {
 public:
  /// `optimizer` must outlive the scheduler.
  LRScheduler(Optimizer& optimizer, Schedule schedule);

  void step();
  std::int64_t last_epoch() const { return last_epoch_; }

  /// "schedule.last_epoch" (i32) and "schedule.base_lr" (f64, a number a group).
  StateDict state_dict() const;
  /// Goes on where `values` were saved and sets the rates; ValueError or ShapeError where something is missing.
  void load_state_dict(const StateDict& values);

 private:
  void apply();

  Optimizer* optimizer_;
  Schedule schedule_;
  std::vector<double> base_lrs_;
  std::int64_t last_epoch_ = 0;
};

}  // namespace tessera
