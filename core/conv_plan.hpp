#pragma once

#include <cstdint>

namespace tessera {

/// How convolutions are computed. All but Winograd are as exact as each other.
enum class ConvPlan : std::uint8_t {
  automatic,  ///< what was measured to win
  direct,     ///< vectors over result channels, whatever the shape
  flat,       ///< vectors over pixels and channels alike, whatever the shape
  planar,     ///< vectors over pixels of one channel, whatever the shape
  permuted,   ///< vectors over pixels and channels alike, of sources as they lie, where it applies, in f32; else direct
  dots,       ///< vectors over taps and source channels, whatever the shape, in f32; kernel gradients direct
  winograd,   ///< Winograd wherever it applies, in f32; else direct
};

/// The plan for all convolutions from now on. Winograd's error is four to nine times that of direct convolution
/// of random numbers, and up to some 25 times of smooth waves.
void set_conv_plan(ConvPlan plan);
ConvPlan conv_plan();

}  // namespace tessera
