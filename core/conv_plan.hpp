#pragma once

#include <cstdint>

namespace tessera {

/// How f32 convolutions are computed; f64 ones are always direct.
enum class ConvPlan : std::uint8_t {
  automatic,  ///< Winograd where it was measured to win, else direct
  direct,     ///< always direct: the most exact
  winograd,   ///< Winograd wherever it applies
};

/// The plan for all convolutions from now on. Winograd's error is some four times that of direct convolution.
void set_conv_plan(ConvPlan plan);
ConvPlan conv_plan();

}  // namespace tessera
