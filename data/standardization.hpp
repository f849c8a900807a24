#pragma once

#include <cstdint>
#include <functional>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// Mean and standard deviation of every channel of images from 0 to 1; empty where images stay as they are.
struct Standardization {
  std::vector<float> mean{};
  std::vector<float> deviation{};
};

/// (image - mean) / deviation for an image [H, W, C]. ShapeError unless there is a mean for every channel.
Tensor standardize(const Tensor& image, const Standardization& standardization);

/// Measures `samples` images of a data set, drawn without repetition by the seed, or all where there are fewer, as they
/// come by: in any order, on any thread.
class StandardizationMeasure {
 public:
  StandardizationMeasure(const Dataset& dataset, std::uint64_t seed, std::int64_t samples = 256);

  /// The images that are drawn.
  const std::vector<std::int64_t>& drawn() const { return drawn_; }
  /// Takes an image, where it is one of these, into account; at most once each.
  void add(std::int64_t index, const Tensor& image);
  /// Of the images that came by, the same bits whatever their order; empty where none did.
  Standardization result() const;

 private:
  /// Sums of the values and of their squares, channel by channel, over some pixels.
  struct Moments {
    std::vector<double> sum{}, squares{};
    std::int64_t pixels = 0;
  };
  static Moments moments_of(const Tensor& image);

  std::vector<std::int64_t> drawn_;
  std::vector<std::size_t> place_;  ///< of each image of the data set among those drawn; beyond them where it is none
  std::vector<Moments> parts_;      ///< of those drawn
};

/// Measures images that are read for this alone, and calls `advance()` after each, from any thread. One that cannot be
/// read does not count; MisfitError for one that does not fit, IoError where none can be read.
Standardization measure_standardization(const Dataset& dataset, std::uint64_t seed, std::int64_t samples = 256,
                                        const std::function<void()>& advance = {});

}  // namespace tessera
