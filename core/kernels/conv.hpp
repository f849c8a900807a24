#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <tessera/core/activation.hpp>
#include <tessera/core/conv_geometry.hpp>

namespace tessera::kernels {

/// What happens to a tile of results before it is stored.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one per result channel, or null
  bool rectify = false;     ///< negative results are multiplied by `slope`: relu (0) and leaky_relu
  T slope = 0;
};

/// Keeps packed weights between calls that read the same kernel.
class WeightStore {
 public:
  virtual ~WeightStore() = default;
  virtual std::shared_ptr<void> find(std::uint64_t key) const = 0;
  virtual void keep(std::uint64_t key, std::shared_ptr<void> weights) = 0;
};

/// output = epilogue(conv(input, kernel)). input [N, H, W, C], kernel [kh, kw, C/groups, O], output [N, H', W', O].
template <class T>
void conv_forward(const ConvGeometry& geometry, const T* input, const T* kernel, const Epilogue<T>& epilogue, T* output,
                  WeightStore* store = nullptr);

/// Some of an input's channels: [N, H, W, channels].
struct InputPart {
  const float* data;
  std::int64_t channels;
};

/// True where conv_forward_parts applies: Winograd, and parts of whole vectors.
bool conv_reads_parts(const ConvGeometry& geometry, std::span<const std::int64_t> channels);

/// conv_forward of parts whose channels follow one another, without putting them into one array.
void conv_forward_parts(const ConvGeometry& geometry, std::span<const InputPart> parts, const float* kernel,
                        const Epilogue<float>& epilogue, float* output, WeightStore* store = nullptr);

/// input = epilogue(transpose of the convolution applied to output): the input gradient, and transposed convolution's
/// forward.
template <class T>
void conv_backward_input(const ConvGeometry& geometry, const T* output, const T* kernel, const Epilogue<T>& epilogue,
                         T* input, WeightStore* store = nullptr);

/// kernel_gradient[ky, kx, c, o] = sum over images and output pixels of input * output. Overwrites it.
template <class T>
void conv_backward_kernel(const ConvGeometry& geometry, const T* input, const T* output, T* kernel_gradient);

}  // namespace tessera::kernels
