#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tessera/optim/optimizer.hpp>
#include <tessera/optim/schedule.hpp>
#include <vector>

namespace tessera {

/// An optimizer and its schedule as a command line or a checkpoint names them.
struct OptimizerOptions {
  std::string name = "adamw";     ///< one of optimizer_names(); sgd has momentum 0.9
  double lr = 0;                  ///< 0: 2e-3 for adam and adamw, 1e-3 for rmsprop, 0.05 for sgd
  double weight_decay = -1;       ///< negative: 1e-2 for adamw, 0 for the others
  std::string schedule = "poly";  ///< one of schedule_names(), over all steps of the run
  std::int64_t warmup_steps = 0;  ///< first steps, over which the rate rises from 1 % to lr
};

/// "adamw", "adam", "sgd", "rmsprop"
const std::vector<std::string>& optimizer_names();
/// "poly" (to the power 0.9), "cosine", "step" (a tenth after each third), "constant"
const std::vector<std::string>& schedule_names();

/// The options with every default filled in; ValueError lists the names there are.
OptimizerOptions with_defaults(OptimizerOptions options);

/// ValueError for an unknown name or an option out of range.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<Parameter> parameters);

/// The schedule of a run of `steps` steps, counted in steps.
Schedule make_schedule(const OptimizerOptions& options, std::int64_t steps);

}  // namespace tessera
