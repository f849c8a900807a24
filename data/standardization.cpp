#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/data/shuffle.hpp>
#include <tessera/data/standardization.hpp>

namespace tessera {
namespace {

/// A channel that hardly varies must not be blown up to noise.
constexpr double least_deviation = 1.0 / 255;

}  // namespace

Tensor standardize(const Tensor& image, const Standardization& standardization) {
  const std::size_t channels = standardization.mean.size();
  if (channels == 0) return image;
  if (static_cast<std::size_t>(image.size(-1)) != channels || standardization.deviation.size() != channels)
    raise<ShapeError>("standardize", "expected an image [H, W, {}] for {} means and {} deviations, got {}", channels,
                      channels, standardization.deviation.size(), image.shape().str());
  Tensor result = Tensor::empty(image.shape());
  const float* in = image.data<float>();
  float* out = result.mutable_data<float>();
  for (std::int64_t i = 0; i < image.numel(); i += static_cast<std::int64_t>(channels))
    for (std::size_t c = 0; c < channels; ++c)
      *out++ = (*in++ - standardization.mean[c]) / standardization.deviation[c];
  return result;
}

StandardizationMeasure::StandardizationMeasure(const Dataset& dataset, std::uint64_t seed, std::int64_t samples)
    : drawn_(shuffled(dataset.size(), RandomStream(seed, stream_of("standardization")))),
      place_(drawn_.size(), drawn_.size()) {
  drawn_.resize(std::min(drawn_.size(), static_cast<std::size_t>(samples)));
  for (std::size_t i = 0; i < drawn_.size(); ++i) place_[static_cast<std::size_t>(drawn_[i])] = i;
  parts_.resize(drawn_.size());
}

StandardizationMeasure::Moments StandardizationMeasure::moments_of(const Tensor& image) {
  const auto channels = static_cast<std::size_t>(image.size(-1));
  Moments moments{std::vector<double>(channels), std::vector<double>(channels), image.numel() / image.size(-1)};
  const float* values = image.data<float>();
  for (std::int64_t i = 0; i < moments.pixels; ++i)
    for (std::size_t c = 0; c < channels; ++c) {
      const double value = *values++;
      moments.sum[c] += value;
      moments.squares[c] += value * value;
    }
  return moments;
}

void StandardizationMeasure::add(std::int64_t index, const Tensor& image) {
  const std::size_t place = place_.at(static_cast<std::size_t>(index));
  if (place < parts_.size()) parts_[place] = moments_of(image);
}

Standardization StandardizationMeasure::result() const {
  std::vector<double> sum, squares;
  double pixels = 0;
  for (const Moments& part : parts_) {
    pixels += static_cast<double>(part.pixels);
    sum.resize(std::max(sum.size(), part.sum.size()));
    squares.resize(sum.size());
    for (std::size_t c = 0; c < part.sum.size(); ++c) {
      sum[c] += part.sum[c];
      squares[c] += part.squares[c];
    }
  }
  Standardization result;
  for (std::size_t c = 0; c < sum.size(); ++c) {
    const double mean = sum[c] / pixels, variance = std::max(0.0, squares[c] / pixels - mean * mean);
    result.mean.push_back(static_cast<float>(mean));
    result.deviation.push_back(static_cast<float>(std::max(std::sqrt(variance), least_deviation)));
  }
  return result;
}

Standardization measure_standardization(const Dataset& dataset, std::uint64_t seed, std::int64_t samples,
                                        const std::function<void()>& advance) {
  StandardizationMeasure measure(dataset, seed, samples);
  const std::vector<std::int64_t>& drawn = measure.drawn();
  std::vector<std::string> misfits(drawn.size());
  parallel_for(static_cast<std::int64_t>(drawn.size()), [&](std::int64_t i) {
    const std::int64_t index = drawn[static_cast<std::size_t>(i)];
    try {
      measure.add(index, dataset.get(index).image);
    } catch (const MisfitError& error) {
      misfits[static_cast<std::size_t>(i)] = error.what();
    } catch (const IoError&) {  // whoever trains on it reports it
    }
    if (advance) advance();
  });
  for (const std::string& misfit : misfits)
    if (!misfit.empty()) throw MisfitError(misfit);
  Standardization result = measure.result();
  if (result.mean.empty()) dataset.get(drawn.at(0));  // throws what is wrong
  return result;
}

}  // namespace tessera
