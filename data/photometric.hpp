#pragma once

#include <tessera/data/augmentation.hpp>

namespace tessera {

// Transforms of colours, which stay within 0 to 1. They leave alone masks, alpha channels, and padding: pixels of the
// ignored label in the fill colour. Each throws ValueError for an amount that is negative or out of all measure.

/// Adds one number from -amount to amount to all colours.
Transform random_brightness(double amount);
/// Takes all colours 1 - amount to 1 + amount times as far from the image's mean.
Transform random_contrast(double amount);
/// Raises colours to a power from 1 / (1 + amount) to 1 + amount, both sides of 1 alike.
Transform random_gamma(double amount);
/// Blurs by a Gaussian whose deviation is from 0 to `pixels`.
Transform random_blur(double pixels);
/// Adds normal noise to every colour, whose deviation is from 0 to `amount`.
Transform random_noise(double amount);

}  // namespace tessera
