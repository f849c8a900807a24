#pragma once

#include <algorithm>
#include <cstdint>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <utility>

namespace tessera::kernels {

/// The convolution from the output to the input that has the same kernel gradient, whose taps run backwards.
inline ConvGeometry exchanged(ConvGeometry g) {
  const std::int64_t height = (g.kernel.height - 1) * g.dilation.height,
                     width = (g.kernel.width - 1) * g.dilation.width;
  std::swap(g.input, g.output);
  std::swap(g.in_channels, g.out_channels);
  g.pad = {height - g.pad.top, height - g.pad.bottom, width - g.pad.left, width - g.pad.right};
  return g;
}

/// Whether there is one: without a stride or groups, and with no more padding than the kernel reaches.
inline bool can_exchange(const ConvGeometry& g) {
  const Sides pad = exchanged(g).pad;
  return g.stride == Size2D(1) && g.groups == 1 && std::min({pad.top, pad.bottom, pad.left, pad.right}) >= 0;
}

/// A convolution's kernel gradient by `compute(geometry, input, output, kernel_gradient)` of the exchanged one.
template <class T, class Compute>
void exchange_kernel_gradient(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient,
                              const Compute& compute) {
  const std::int64_t taps = g.kernel.height * g.kernel.width, pairs = g.in_channels * g.out_channels;
  const Buffer<T> turned(taps * pairs);
  compute(exchanged(g), output, input, turned.data());
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const T* const from = turned.data() + (taps - 1 - tap) * pairs;
    T* const to = kernel_gradient + tap * pairs;
    for (std::int64_t in = 0; in < g.in_channels; ++in)
      for (std::int64_t out = 0; out < g.out_channels; ++out)
        to[in * g.out_channels + out] = from[out * g.in_channels + in];
  }
}

/// The kernel gradient of a 1x1 convolution with groups from that of one without, `compute`d likewise, of which each
/// group's channels need their own part.
template <class T, class Compute>
void join_groups_of_kernel_gradient(const ConvGeometry& g, const T* input, const T* output, T* kernel_gradient,
                                    const Compute& compute) {
  const std::int64_t filters = g.out_channels / g.groups, sources = g.in_channels / g.groups;
  const Buffer<T> joined(g.in_channels * g.out_channels);
  ConvGeometry dense = g;
  dense.groups = 1;
  compute(dense, input, output, joined.data());
  for (std::int64_t source = 0; source < sources; ++source)
    for (std::int64_t out = 0; out < g.out_channels; ++out)
      kernel_gradient[source * g.out_channels + out] =
          joined.data()[(out / filters * sources + source) * g.out_channels + out];
}

}  // namespace tessera::kernels
