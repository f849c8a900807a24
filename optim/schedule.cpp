#include <algorithm>
#include <cmath>
#include <numbers>
#include <tessera/optim/schedule.hpp>
#include <tessera/optim/state_entry.hpp>

namespace tessera {
namespace {

void require_epochs(std::string_view schedule, std::string_view option, std::int64_t value) {
  if (value < 1) raise<ValueError>(schedule, "expected {} of at least 1, got {}", option, value);
}

void require_factor(std::string_view schedule, std::string_view option, double value) {
  if (!(value >= 0)) raise<ValueError>(schedule, "expected {} >= 0, got {}", option, value);
}

}  // namespace

Schedule constant_lr(const ConstantLROptions& options) {
  require_factor("constant_lr", "factor", options.factor);
  return [options](double base_lr, std::int64_t epoch) {
    return epoch < options.total_iters ? base_lr * options.factor : base_lr;
  };
}

Schedule step_lr(const StepLROptions& options) {
  require_epochs("step_lr", "step_size", options.step_size);
  require_factor("step_lr", "gamma", options.gamma);
  return [options](double base_lr, std::int64_t epoch) {
    const std::int64_t steps = epoch / options.step_size;
    return base_lr * std::pow(options.gamma, static_cast<double>(steps));
  };
}

Schedule cosine_lr(const CosineLROptions& options) {
  require_epochs("cosine_lr", "t_max", options.t_max);
  require_factor("cosine_lr", "eta_min", options.eta_min);
  return [options](double base_lr, std::int64_t epoch) {
    const double angle = std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(options.t_max);
    return options.eta_min + (base_lr - options.eta_min) * (1 + std::cos(angle)) / 2;
  };
}

Schedule poly_lr(const PolyLROptions& options) {
  require_epochs("poly_lr", "total_iters", options.total_iters);
  require_factor("poly_lr", "power", options.power);
  return [options](double base_lr, std::int64_t epoch) {
    const auto done = static_cast<double>(std::min(epoch, options.total_iters));
    return base_lr * std::pow(1 - done / static_cast<double>(options.total_iters), options.power);
  };
}

Schedule warmup_lr(const WarmupLROptions& options, Schedule after) {
  require_epochs("warmup_lr", "total_iters", options.total_iters);
  require_factor("warmup_lr", "start_factor", options.start_factor);
  require_factor("warmup_lr", "end_factor", options.end_factor);
  return [options, after = std::move(after)](double base_lr, std::int64_t epoch) {
    if (epoch >= options.total_iters)
      return after ? after(base_lr, epoch - options.total_iters) : base_lr * options.end_factor;
    const double done = static_cast<double>(epoch) / static_cast<double>(options.total_iters);
    return base_lr * (options.start_factor + (options.end_factor - options.start_factor) * done);
  };
}

LRScheduler::LRScheduler(Optimizer& optimizer, Schedule schedule)
    : optimizer_(&optimizer), schedule_(std::move(schedule)) {
  for (std::size_t group = 0; group < optimizer.group_count(); ++group) base_lrs_.push_back(optimizer.lr(group));
  apply();
}

void LRScheduler::step() {
  ++last_epoch_;
  apply();
}

void LRScheduler::apply() {
  for (std::size_t group = 0; group < base_lrs_.size(); ++group)
    optimizer_->set_lr(group, schedule_(base_lrs_[group], last_epoch_));
}

StateDict LRScheduler::state_dict() const {
  return {{"schedule.last_epoch", Tensor::scalar(static_cast<double>(last_epoch_), i32)},
          {"schedule.base_lr", Tensor::from(base_lrs_, {static_cast<std::int64_t>(base_lrs_.size())})}};
}

void LRScheduler::load_state_dict(const StateDict& values) {
  const Tensor base_lrs =
      state_entry("schedule", values, "schedule.base_lr", {static_cast<std::int64_t>(base_lrs_.size())}).to(f64);
  last_epoch_ = static_cast<std::int64_t>(state_entry("schedule", values, "schedule.last_epoch", {}).item());
  base_lrs_.assign(base_lrs.data<double>(), base_lrs.data<double>() + base_lrs.numel());
  apply();
}

}  // namespace tessera
