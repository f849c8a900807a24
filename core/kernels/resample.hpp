#pragma once

#include <cstdint>
#include <vector>

namespace tessera::kernels {

/// A linear map along one axis: which inputs every output is made of, and with what weights.
struct AxisWeights {
  struct Term {
    std::int64_t input;
    double weight;
  };
  std::int64_t inputs = 0;
  std::vector<std::vector<Term>> outputs;

  std::int64_t size() const { return static_cast<std::int64_t>(outputs.size()); }
  /// The map of gradients: from outputs to inputs.
  AxisWeights transposed() const;
};

/// y[n, i, j] = sum over row terms (p, u) of i and column terms (q, v) of j of u v x[n, p, q]; [N, H, W, C] -> [N, H',
/// W', C].
template <class T>
void resample(const AxisWeights& rows, const AxisWeights& columns, std::int64_t images, std::int64_t channels,
              const T* x, T* y);

}  // namespace tessera::kernels
