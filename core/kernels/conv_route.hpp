#pragma once

#include <cstdint>
#include <tessera/core/kernels/conv_passes.hpp>

namespace tessera::kernels {

/// The code that convolutions run on, see conv_plans.hpp. For double, flat, planar and direct alone.
enum class ConvRoute : std::uint8_t {
  flat,
  winograd_planes,
  permuted,
  dots,
  winograd_columns,
  planar,
  winograd,
  direct
};

/// The one for a convolution forward, or back to its input. Depends on one image's geometry only, so that results do
/// not depend on the batch an image sits in.
template <class T>
ConvRoute conv_route(const ConvReading& reading);

/// The one for a kernel's gradient: permuted, flat, planar, winograd, along columns or not, or direct, and whether of
/// the exchanged convolution.
struct KernelRoute {
  ConvRoute route;
  bool exchanged;
};
template <class T>
KernelRoute kernel_route(const ConvGeometry& geometry);

/// Whether a kernel's gradient is rather one part of that without groups.
bool joins_groups(const ConvGeometry& geometry);

}  // namespace tessera::kernels
