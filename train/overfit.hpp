#pragma once

#include <cstdint>
#include <string>
#include <tessera/train/progress.hpp>
#include <tessera/train/run.hpp>
#include <vector>

namespace tessera {

/// What came of training on one batch over and over.
struct Overfit {
  bool passed = false;  ///< 98 % of the pixels are right, or the loss has fallen to a tenth
  std::int64_t steps = 0;
  double first_loss = 0, loss = 0;
  double accuracy = 0;                ///< share of the pixels that count
  std::vector<std::string> advice{};  ///< what to try where it did not pass
};

/// Trains the run's network on its first batch alone, at most `steps` times and at a constant rate. A network that
/// cannot learn one batch by heart learns nothing from many: images, masks, loss or learning rate are wrong.
Overfit overfit_one_batch(Run& run, Progress& progress, std::int64_t steps = 300);

/// The result in a few lines.
std::string to_text(const Overfit& result);

}  // namespace tessera
