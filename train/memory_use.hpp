#pragma once

#include <cstdint>
#include <tessera/models/segmentation_model.hpp>

namespace tessera {

/// Bytes that a network takes in 32-bit floats for one image.
struct MemoryUse {
  std::int64_t weights = 0;    ///< parameters and buffers
  std::int64_t inference = 0;  ///< weights and the most that is alive at once in a pass
  std::int64_t training = 0;   ///< the same for a training step with AdamW: gradients and two moments besides
  bool measured = true;  ///< false: measured on a smaller image, and what grows with the image scaled by its pixels
};

/// Runs a pass and a training step at this size, or where that is large at a smaller one, and asks the arena what they
/// took. Changes the weights.
MemoryUse measure_memory(SegmentationModel& model, Size2D size);

}  // namespace tessera
