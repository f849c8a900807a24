#include <algorithm>
#include <tessera/core/kernels/channel_sums.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {

template <class T>
void channel_sums(const T* values, std::int64_t rows, std::int64_t channels, T* sums) {
  const std::int64_t grain = std::max<std::int64_t>(elementwise_grain / std::max<std::int64_t>(channels, 1), 1);
  const std::int64_t chunks = (rows + grain - 1) / grain;
  const Buffer<T> partial(chunks * channels);
  parallel_ranges(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    T* mine = partial.data() + begin / grain * channels;
    std::fill(mine, mine + channels, T{0});
    for (std::int64_t row = begin; row < end; ++row) {
      const T* line = values + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) mine[c] += line[c];
    }
  });
  std::fill(sums, sums + channels, T{0});
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
    for (std::int64_t c = 0; c < channels; ++c) sums[c] += partial.data()[chunk * channels + c];
}

template void channel_sums(const float*, std::int64_t, std::int64_t, float*);
template void channel_sums(const double*, std::int64_t, std::int64_t, double*);

}  // namespace tessera::kernels
