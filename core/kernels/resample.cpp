#include <algorithm>
#include <tessera/core/kernels/resample.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera::kernels {

AxisWeights AxisWeights::transposed() const {
  AxisWeights result{size(), std::vector<std::vector<Term>>(static_cast<std::size_t>(inputs))};
  for (std::int64_t output = 0; output < size(); ++output)
    for (const Term& term : outputs[static_cast<std::size_t>(output)])
      result.outputs[static_cast<std::size_t>(term.input)].push_back({output, term.weight});
  return result;
}

template <class T>
void resample(const AxisWeights& rows, const AxisWeights& columns, std::int64_t images, std::int64_t channels,
              const T* x, T* y) {
  const std::int64_t height = rows.size(), width = columns.size();
  parallel_for(images * height, [&](std::int64_t chunk) {
    const T* image = x + chunk / height * rows.inputs * columns.inputs * channels;
    T* line = y + chunk * width * channels;
    std::fill_n(line, width * channels, T{0});
    for (const auto& [row, row_weight] : rows.outputs[static_cast<std::size_t>(chunk % height)])
      for (std::int64_t column = 0; column < width; ++column)
        for (const auto& [from, column_weight] : columns.outputs[static_cast<std::size_t>(column)]) {
          const T weight = static_cast<T>(row_weight * column_weight);
          const T* pixel = image + (row * columns.inputs + from) * channels;
          T* out = line + column * channels;
          for (std::int64_t c = 0; c < channels; ++c) out[c] += weight * pixel[c];
        }
  });
}

template void resample(const AxisWeights&, const AxisWeights&, std::int64_t, std::int64_t, const float*, float*);
template void resample(const AxisWeights&, const AxisWeights&, std::int64_t, std::int64_t, const double*, double*);

}  // namespace tessera::kernels
