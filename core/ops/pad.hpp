#pragma once

#include <cstdint>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// What padding is filled with: a value, the image mirrored at its border pixel, or the border pixel itself.
enum class PadMode : std::uint8_t { constant, reflect, replicate };

/// How many elements an axis grows by at each end.
struct AxisPad {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Enlarges x by `pads`, one entry an axis: {{}, {1, 1}, {2, 2}, {}} pads an image by 1 above and below, 2 left and
/// right.
///
/// reflect: 3 2 1 | 0 1 2 3 needs an axis longer than the padding; replicate: 0 0 | 0 1 2 one of at least 1. ShapeError
/// otherwise.
Tensor pad(const Tensor& x, const std::vector<AxisPad>& pads, PadMode mode = PadMode::constant, double value = 0);

}  // namespace tessera
