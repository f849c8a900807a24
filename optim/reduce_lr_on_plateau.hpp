#pragma once

#include <cstdint>
#include <limits>
#include <tessera/optim/optimizer.hpp>

namespace tessera {

struct PlateauOptions {
  enum class Mode : std::uint8_t { min, max };
  enum class ThresholdMode : std::uint8_t { rel, abs };
  Mode mode = Mode::min;       ///< whether a lower or a higher metric is better
  double factor = 0.1;         ///< what rates are multiplied by
  std::int64_t patience = 10;  ///< steps without improvement that are let pass
  double threshold = 1e-4;     ///< what counts as an improvement: a change of the best by more than this
  ThresholdMode threshold_mode = ThresholdMode::rel;
  std::int64_t cooldown = 0;  ///< steps after a reduction in which nothing is counted
  double min_lr = 0;
  double eps = 1e-8;  ///< smaller reductions are not made
};

/// Reduces an optimizer's learning rates when a metric has stopped improving; as torch's ReduceLROnPlateau.
///
/// ValueError for a factor of 1 or more and for negative options. NaN is never an improvement.
class ReduceLROnPlateau {
 public:
  /// `optimizer` must outlive the scheduler.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options = {});

  /// Call once an epoch with the metric watched, such as the validation loss.
  void step(double metric);

  /// "plateau.best" (f64), "plateau.num_bad_epochs" and "plateau.cooldown_counter" (i32). The rates are the
  /// optimizer's.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& values);

 private:
  bool improves(double metric) const;

  Optimizer* optimizer_;
  PlateauOptions options_;
  double best_;
  std::int64_t num_bad_epochs_ = 0;
  std::int64_t cooldown_counter_ = 0;
};

}  // namespace tessera
