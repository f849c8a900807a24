#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/data/shuffle.hpp>
#include <tessera/data/standardization.hpp>

namespace tessera {
namespace {

/// Sums of the values and of their squares, channel by channel, over some pixels.
struct Moments {
  std::vector<double> sum, squares;
  std::int64_t pixels = 0;
};

Moments moments_of(const Tensor& image) {
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

Standardization measure_standardization(const Dataset& dataset, std::uint64_t seed, std::int64_t samples) {
  std::vector<std::int64_t> order = shuffled(dataset.size(), RandomStream(seed, stream_of("standardization")));
  order.resize(std::min(order.size(), static_cast<std::size_t>(samples)));
  std::vector<Moments> parts(order.size());
  std::vector<std::string> misfits(order.size());
  parallel_for(static_cast<std::int64_t>(order.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      parts[at] = moments_of(dataset.get(order[at]).image);
    } catch (const MisfitError& error) {
      misfits[at] = error.what();
    } catch (const IoError&) {
      parts[at].pixels = 0;
    }
  });
  for (const std::string& misfit : misfits)
    if (!misfit.empty()) throw MisfitError(misfit);
  std::erase_if(parts, [](const Moments& part) { return part.pixels == 0; });
  if (parts.empty()) dataset.get(order.at(0));  // throws what is wrong

  Standardization result;
  for (std::size_t c = 0; c < static_cast<std::size_t>(dataset.channels()); ++c) {
    double sum = 0, squares = 0, pixels = 0;
    for (const Moments& part : parts) {
      sum += part.sum[c];
      squares += part.squares[c];
      pixels += static_cast<double>(part.pixels);
    }
    const double mean = sum / pixels, variance = std::max(0.0, squares / pixels - mean * mean);
    result.mean.push_back(static_cast<float>(mean));
    result.deviation.push_back(static_cast<float>(std::max(std::sqrt(variance), least_deviation)));
  }
  return result;
}

}  // namespace tessera
