#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <tessera/layers/module.hpp>

namespace tessera::test {

/// `uniform` of tests/golden/models.py: numbers in [0, 1) by a name and the element's index.
inline Tensor golden_uniform(std::string_view name, const Shape& shape) {
  std::uint32_t seed = 2166136261U;
  for (const char letter : name) seed = (seed ^ static_cast<unsigned char>(letter)) * 16777619U;
  Tensor u = Tensor::empty(shape, f64);
  double* out = u.mutable_data<double>();
  for (std::int64_t i = 0; i < u.numel(); ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761U + seed;
    x = (x ^ (x >> 16)) * 2246822519U;
    x = (x ^ (x >> 13)) * 3266489917U;
    x ^= x >> 16;
    out[i] = x / 4294967296.0;
  }
  return u;
}

/// Gives every parameter the numbers that models.py gives it.
inline void fill_golden(const Module& model) {
  for (auto& [path, parameter] : model.named_parameters()) {
    const Shape& shape = parameter.shape();
    const bool kernel = shape.rank() == 4, gamma = path.ends_with("gamma");
    const double spread = kernel ? std::sqrt(6.0 / static_cast<double>(shape[0] * shape[1] * shape[2])) : 0.1;
    const double low = gamma ? 0.9 : -spread, width = gamma ? 0.2 : 2 * spread;
    Tensor values = golden_uniform(path, shape);
    double* out = values.mutable_data<double>();
    for (std::int64_t i = 0; i < values.numel(); ++i) out[i] = low + width * out[i];
    Tensor(parameter).copy_(values);
  }
}

/// The images of models.py, [2, height, width, 3] in [-1, 1).
inline Tensor golden_images(std::int64_t height, std::int64_t width) {
  Tensor images = golden_uniform("input", {2, height, width, 3});
  double* out = images.mutable_data<double>();
  for (std::int64_t i = 0; i < images.numel(); ++i) out[i] = 2 * out[i] - 1;
  return images;
}

/// Its labels, [2, height, width].
inline Tensor golden_labels(std::int64_t height, std::int64_t width, std::int64_t classes) {
  const Tensor u = golden_uniform("labels", {2, height, width});
  Tensor labels = Tensor::empty(u.shape(), i32);
  auto* out = labels.mutable_data<std::int32_t>();
  for (std::int64_t i = 0; i < u.numel(); ++i)
    out[i] = static_cast<std::int32_t>(u.span<double>()[static_cast<std::size_t>(i)] * static_cast<double>(classes));
  return labels;
}

}  // namespace tessera::test
