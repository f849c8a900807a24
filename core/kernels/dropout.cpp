#include <algorithm>
#include <cmath>
#include <tessera/core/kernels/dropout.hpp>
#include <tessera/core/parallel.hpp>
#include <vector>

namespace tessera::kernels {
namespace {

/// Draws with probability 1 - rate, by the 24 bits that RandomStream::uniform reads.
struct Keep {
  explicit Keep(double rate) : threshold(static_cast<std::uint32_t>(std::ceil(rate * 0x1p24))) {}
  bool operator()(std::uint32_t word) const { return (word >> 8) >= threshold; }
  std::uint32_t threshold;
};

}  // namespace

template <class T>
void dropout(const RandomStream& random, double rate, std::int64_t count, const T* x, T* y) {
  const Keep keep(rate);
  const T scale = static_cast<T>(1 / (1 - rate));
  // Chunks begin at multiples of four: one call of Philox serves four elements.
  static_assert(elementwise_grain % 4 == 0);
  parallel_ranges(count, elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = begin; first < end; first += 4) {
      const auto words = random.words(static_cast<std::uint64_t>(first) / 4);
      const std::int64_t lanes = std::min<std::int64_t>(4, end - first);
      for (std::int64_t lane = 0; lane < lanes; ++lane)
        y[first + lane] = keep(words[static_cast<std::size_t>(lane)]) ? x[first + lane] * scale : T{0};
    }
  });
}

template <class T>
void dropout_channels(const RandomStream& random, double rate, std::int64_t images, std::int64_t pixels,
                      std::int64_t channels, const T* x, T* y) {
  const Keep keep(rate);
  const T scale = static_cast<T>(1 / (1 - rate));
  std::vector<T> factors(static_cast<std::size_t>(images * channels));
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = keep(random.bits(i)) ? scale : T{0};
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(channels, 1));
  parallel_ranges(images * pixels, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const T *factor = factors.data() + row / pixels * channels, *in = x + row * channels;
      T* out = y + row * channels;
      // Chosen, not multiplied by 0, so that a dropped channel is 0 even where it held infinities.
      for (std::int64_t c = 0; c < channels; ++c) out[c] = factor[c] == T{0} ? T{0} : in[c] * factor[c];
    }
  });
}

template void dropout(const RandomStream&, double, std::int64_t, const float*, float*);
template void dropout(const RandomStream&, double, std::int64_t, const double*, double*);
template void dropout_channels(const RandomStream&, double, std::int64_t, std::int64_t, std::int64_t, const float*,
                               float*);
template void dropout_channels(const RandomStream&, double, std::int64_t, std::int64_t, std::int64_t, const double*,
                               double*);

}  // namespace tessera::kernels
