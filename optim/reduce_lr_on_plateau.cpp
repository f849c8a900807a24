#include <algorithm>
#include <tessera/optim/reduce_lr_on_plateau.hpp>
#include <tessera/optim/state_entry.hpp>

namespace tessera {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void require(bool holds, std::string_view condition, double value) {
  if (!holds) raise<ValueError>("reduce_lr_on_plateau", "expected {}, got {}", condition, value);
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == PlateauOptions::Mode::min ? infinity : -infinity) {
  require(options.factor >= 0 && options.factor < 1, "0 <= factor < 1", options.factor);
  require(options.patience >= 0, "patience >= 0", static_cast<double>(options.patience));
  require(options.cooldown >= 0, "cooldown >= 0", static_cast<double>(options.cooldown));
  require(options.threshold >= 0, "threshold >= 0", options.threshold);
  require(options.min_lr >= 0, "min_lr >= 0", options.min_lr);
}

bool ReduceLROnPlateau::improves(double metric) const {
  const bool relative = options_.threshold_mode == PlateauOptions::ThresholdMode::rel;
  if (options_.mode == PlateauOptions::Mode::min)
    return metric < (relative ? best_ * (1 - options_.threshold) : best_ - options_.threshold);
  return metric > (relative ? best_ * (1 + options_.threshold) : best_ + options_.threshold);
}

void ReduceLROnPlateau::step(double metric) {
  if (improves(metric)) {
    best_ = metric;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ <= options_.patience) return;
  cooldown_counter_ = options_.cooldown;
  num_bad_epochs_ = 0;
  for (std::size_t group = 0; group < optimizer_->group_count(); ++group) {
    const double before = optimizer_->lr(group), after = std::max(before * options_.factor, options_.min_lr);
    if (before - after > options_.eps) optimizer_->set_lr(group, after);
  }
}

StateDict ReduceLROnPlateau::state_dict() const {
  return {{"plateau.best", Tensor::scalar(best_, f64)},
          {"plateau.num_bad_epochs", Tensor::scalar(static_cast<double>(num_bad_epochs_), i32)},
          {"plateau.cooldown_counter", Tensor::scalar(static_cast<double>(cooldown_counter_), i32)}};
}

void ReduceLROnPlateau::load_state_dict(const StateDict& values) {
  const auto number = [&](const char* key) { return state_entry("reduce_lr_on_plateau", values, key, {}).item(); };
  const double best = number("plateau.best");
  const auto num_bad_epochs = static_cast<std::int64_t>(number("plateau.num_bad_epochs"));
  cooldown_counter_ = static_cast<std::int64_t>(number("plateau.cooldown_counter"));
  best_ = best;
  num_bad_epochs_ = num_bad_epochs;
}

}  // namespace tessera
