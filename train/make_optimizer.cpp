#include <fmt/ranges.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/optim/adam.hpp>
#include <tessera/optim/rmsprop.hpp>
#include <tessera/optim/sgd.hpp>
#include <tessera/train/make_optimizer.hpp>

namespace tessera {
namespace {

void require_name(std::string_view kind, const std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw ValueError(fmt::format("{}: expected one of {}, got {}", kind, fmt::join(names, ", "), name));
}

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"adamw", "adam", "sgd", "rmsprop"};
  return names;
}

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = {"poly", "cosine", "step", "constant"};
  return names;
}

OptimizerOptions with_defaults(OptimizerOptions options) {
  require_name("optimizer", optimizer_names(), options.name);
  require_name("schedule", schedule_names(), options.schedule);
  if (options.lr == 0) options.lr = options.name == "sgd" ? 0.05 : options.name == "rmsprop" ? 1e-3 : 2e-3;
  if (options.weight_decay < 0) options.weight_decay = options.name == "adamw" ? 1e-2 : 0;
  return options;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& given, std::vector<Parameter> parameters) {
  const OptimizerOptions options = with_defaults(given);
  const double lr = options.lr, weight_decay = options.weight_decay;
  if (options.name == "adamw")
    return std::make_unique<AdamW>(std::move(parameters), AdamWOptions{.lr = lr, .weight_decay = weight_decay});
  if (options.name == "adam")
    return std::make_unique<Adam>(std::move(parameters), AdamOptions{.lr = lr, .weight_decay = weight_decay});
  if (options.name == "rmsprop")
    return std::make_unique<RMSprop>(std::move(parameters), RMSpropOptions{.lr = lr, .weight_decay = weight_decay});
  return std::make_unique<SGD>(std::move(parameters),
                               SGDOptions{.lr = lr, .momentum = 0.9, .weight_decay = weight_decay});
}

Schedule make_schedule(const OptimizerOptions& options, std::int64_t steps) {
  require_name("schedule", schedule_names(), options.schedule);
  const std::int64_t rest = std::max<std::int64_t>(1, steps - options.warmup_steps);
  Schedule schedule = [](double base_lr, std::int64_t) { return base_lr; };
  if (options.schedule == "poly") schedule = poly_lr({.total_iters = rest, .power = 0.9});
  if (options.schedule == "cosine") schedule = cosine_lr({.t_max = rest});
  if (options.schedule == "step") schedule = step_lr({.step_size = (rest + 2) / 3});
  if (options.warmup_steps == 0) return schedule;
  return warmup_lr({.start_factor = 0.01, .total_iters = options.warmup_steps}, schedule);
}

}  // namespace tessera
