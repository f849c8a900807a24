#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tessera/core/error.hpp>
#include <tessera/data/photometric.hpp>

namespace tessera {
namespace {

/// An image about to get new colours: a copy, and which of its numbers to leave alone.
class Recolored {
 public:
  Recolored(const Sample& sample, const AugmentationContext& context)
      : channels_(sample.image.size(2)),
        colors_(channels_ % 2 == 0 ? channels_ - 1 : channels_),
        from_(sample.image.data<float>()),
        result_{Tensor::empty(sample.image.shape()), sample.mask, sample.name} {
    std::copy_n(from_, sample.image.numel(), result_.image.mutable_data<float>());
    const auto labels = sample.mask.span<std::int32_t>();
    padding_.resize(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i)
      padding_[i] =
          labels[i] == context.ignore_index && is_fill(from_ + static_cast<std::int64_t>(i) * channels_, context.fill);
  }

  /// Calls `f(color, element)` for every colour, and keeps what it returns.
  template <class F>
  Sample each(const F& f) {
    float* to = result_.image.mutable_data<float>();
    for (std::size_t i = 0; i < padding_.size(); ++i) {
      if (padding_[i]) continue;
      const auto pixel = static_cast<std::int64_t>(i) * channels_;
      for (std::int64_t c = 0; c < colors_; ++c) to[pixel + c] = std::clamp(f(from_[pixel + c], pixel + c), 0.F, 1.F);
    }
    return result_;
  }

  double mean() const {
    double sum = 0;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < padding_.size(); ++i) {
      if (padding_[i]) continue;
      for (std::int64_t c = 0; c < colors_; ++c) sum += from_[static_cast<std::int64_t>(i) * channels_ + c];
      count += colors_;
    }
    return count > 0 ? sum / static_cast<double>(count) : 0;
  }

 private:
  bool is_fill(const float* pixel, std::span<const float> fill) const {
    for (std::int64_t c = 0; c < channels_; ++c)
      if (pixel[c] != (fill.empty() ? 0.F : fill[static_cast<std::size_t>(c)])) return false;
    return true;
  }

  std::int64_t channels_, colors_;
  const float* from_;
  Sample result_;
  std::vector<char> padding_;
};

/// One half of a normal distribution's density from 0 to three deviations, summing to 1 with its mirror image.
std::vector<float> gaussian(double deviation) {
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i <= static_cast<int>(std::ceil(3 * deviation)); ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (deviation * deviation)));
    sum += i == 0 ? weights.back() : 2 * weights.back();
  }
  std::vector<float> result;
  for (const double weight : weights) result.push_back(static_cast<float>(weight / sum));
  return result;
}

/// `count` lines of `length` numbers blurred, a line's numbers `stride` apart and lines at `start(line)`; the ends are
/// repeated outwards.
template <class Start>
void blur_lines(const float* from, float* to, std::int64_t count, std::int64_t length, std::int64_t stride,
                const Start& start, const std::vector<float>& weights) {
  for (std::int64_t line = 0; line < count; ++line) {
    const float* in = from + start(line);
    float* out = to + start(line);
    for (std::int64_t i = 0; i < length; ++i) {
      float sum = weights[0] * in[i * stride];
      for (std::int64_t d = 1; d < static_cast<std::int64_t>(weights.size()); ++d)
        sum += weights[static_cast<std::size_t>(d)] *
               (in[std::max<std::int64_t>(i - d, 0) * stride] + in[std::min(i + d, length - 1) * stride]);
      out[i * stride] = sum;
    }
  }
}

Tensor blurred(const Tensor& image, double deviation) {
  const std::int64_t height = image.size(0), row = image.size(1) * image.size(2), channels = image.size(2);
  const std::vector<float> weights = gaussian(deviation);
  Tensor half = Tensor::empty(image.shape()), whole = Tensor::empty(image.shape());
  blur_lines(
      image.data<float>(), half.mutable_data<float>(), row, height, row, [](std::int64_t i) { return i; }, weights);
  blur_lines(
      half.data<float>(), whole.mutable_data<float>(), height * channels, image.size(1), channels,
      [&](std::int64_t i) { return i / channels * row + i % channels; }, weights);
  return whole;
}

/// Normal numbers, four for each four random words.
class Normals {
 public:
  explicit Normals(const RandomStream& random) : random_(random) {}
  float at(std::int64_t element) {
    const auto block = static_cast<std::uint64_t>(element) / 4;
    if (block != block_) fill(block);
    return values_[static_cast<std::size_t>(element) % 4];
  }

 private:
  void fill(std::uint64_t block) {
    block_ = block;
    const std::array<std::uint32_t, 4> words = random_.words(block);
    for (std::size_t i = 0; i < 4; i += 2) {
      // Box and Muller's two numbers; the first word as a number in (0, 1].
      const float radius = std::sqrt(-2 * std::log(static_cast<float>((words[i] >> 8) + 1) * 0x1p-24F));
      const float angle = static_cast<float>(words[i + 1] >> 8) * 0x1p-24F * 2 * std::numbers::pi_v<float>;
      values_[i] = radius * std::cos(angle);
      values_[i + 1] = radius * std::sin(angle);
    }
  }

  RandomStream random_;
  std::uint64_t block_ = ~std::uint64_t{0};
  std::array<float, 4> values_{};
};

void check(const char* name, double amount, double most) {
  if (!(amount >= 0 && amount <= most))
    throw ValueError(fmt::format("{}: expected an amount of 0 to {}, got {}", name, most, amount));
}

/// The block of random words that no pixel of an image has.
constexpr std::uint64_t apart = 0xFFFFFFF0;

}  // namespace

Transform random_brightness(double amount) {
  check("brightness", amount, 1);
  return {"random_brightness", [amount](const Sample& sample, const AugmentationContext& context) {
            const auto more = static_cast<float>(context.random.uniform(0, -amount, amount));
            return Recolored(sample, context).each([=](float color, std::int64_t) { return color + more; });
          }};
}

Transform random_contrast(double amount) {
  check("contrast", amount, 1);
  return {"random_contrast", [amount](const Sample& sample, const AugmentationContext& context) {
            const auto factor = static_cast<float>(context.random.uniform(0, 1 - amount, 1 + amount));
            Recolored image(sample, context);
            const auto mean = static_cast<float>(image.mean());
            return image.each([=](float color, std::int64_t) { return mean + factor * (color - mean); });
          }};
}

Transform random_gamma(double amount) {
  check("gamma", amount, 10);
  return {"random_gamma", [amount](const Sample& sample, const AugmentationContext& context) {
            const double most = std::log(1 + amount);
            const auto power = static_cast<float>(std::exp(context.random.uniform(0, -most, most)));
            return Recolored(sample, context).each([=](float color, std::int64_t) {
              return std::pow(std::max(color, 0.F), power);
            });
          }};
}

Transform random_blur(double pixels) {
  check("blur", pixels, 100);
  return {"random_blur", [pixels](const Sample& sample, const AugmentationContext& context) {
            const double deviation = context.random.uniform(0, 0, pixels);
            if (deviation < 0.05) return sample;
            const Tensor image = blurred(sample.image, deviation);
            const float* colors = image.data<float>();
            return Recolored(sample, context).each([=](float, std::int64_t element) { return colors[element]; });
          }};
}

Transform random_noise(double amount) {
  check("noise", amount, 1);
  return {"random_noise", [amount](const Sample& sample, const AugmentationContext& context) {
            const auto deviation = static_cast<float>(context.random.uniform(4 * apart, 0, amount));
            Normals normals(context.random);
            return Recolored(sample, context).each([&](float color, std::int64_t element) {
              return color + deviation * normals.at(element);
            });
          }};
}

}  // namespace tessera
