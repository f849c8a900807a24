#pragma once

#include <string_view>
#include <tessera/core/kernels/normalize.hpp>
#include <tessera/core/tensor.hpp>
#include <utility>
#include <vector>

// Per-channel vectors in double around the kernels of normalisation.
namespace tessera::detail {

using Channels = std::vector<double>;

/// Sums over the rows of each plane and channel.
struct ChannelSums {
  Channels sums, products;
};

/// sum a and sum a * b; see kernels::channel_products.
ChannelSums channel_sums(const kernels::NormGeometry& geometry, const Tensor& a, const Tensor& b);

/// Mean and biased variance from the sums of x and x * x over `count` elements; zeros for none.
std::pair<Channels, Channels> mean_and_variance(const ChannelSums& moments, std::int64_t count);

/// A [C] tensor's values, or C times `otherwise` where it is undefined.
Channels channel_values(const Tensor& tensor, std::int64_t channels, double otherwise);

/// The values as a [C] tensor.
Tensor channel_tensor(const Channels& values, DType dtype);

/// y = scale x + shift.
Tensor scaled_channels(const kernels::NormGeometry& geometry, const Tensor& x, const Channels& scale,
                       const Channels& shift);

/// grad_scale grad + x_scale x + shift.
Tensor combined_channels(const kernels::NormGeometry& geometry, const Tensor& grad, const Tensor& x,
                         const Channels& grad_scale, const Channels& x_scale, const Channels& shift);

/// ShapeError or ValueError unless `tensor` is undefined or one number a channel of x, of its type.
void check_channels(std::string_view op, std::string_view name, const Tensor& tensor, const Tensor& x);

}  // namespace tessera::detail
