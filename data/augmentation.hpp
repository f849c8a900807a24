#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tessera/core/random.hpp>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// What a transform may use besides the sample.
struct AugmentationContext {
  RandomStream random;          ///< of this transform, epoch and sample alone
  std::int32_t ignore_index;    ///< label of pixels that a transform makes up
  std::span<const float> fill;  ///< their colour: a value a channel, or none for black
};

/// A random change of an image and its mask, named so that its random numbers do not depend on the transforms beside
/// it.
///
/// One that moves pixels moves both, masks by their nearest pixel; one that changes colours leaves the mask alone.
/// Colours are from 0 to 1, before standardisation.
struct Transform {
  std::string name;
  std::function<Sample(const Sample&, const AugmentationContext&)> apply;
};

/// Transforms one after the other: a pure function of (seed, epoch, index), whatever thread runs it.
class Augmentation {
 public:
  Augmentation() = default;
  /// ValueError where two transforms have one name.
  explicit Augmentation(std::vector<Transform> transforms);

  Sample operator()(Sample sample, std::uint64_t seed, std::int64_t epoch, std::int64_t index,
                    std::int32_t ignore_index = no_label, std::span<const float> fill = {}) const;

  const std::vector<Transform>& transforms() const { return transforms_; }

 private:
  std::vector<Transform> transforms_;
};

}  // namespace tessera
