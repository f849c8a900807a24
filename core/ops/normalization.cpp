#include <algorithm>
#include <tessera/core/ops/normalization.hpp>

namespace tessera::detail {

ChannelSums channel_sums(const kernels::NormGeometry& geometry, const Tensor& a, const Tensor& b) {
  const auto count = static_cast<std::size_t>(geometry.planes * geometry.channels);
  ChannelSums result{Channels(count), Channels(count)};
  dispatch_float(a.dtype(), "channel_sums", [&](auto zero) {
    using T = decltype(zero);
    kernels::channel_products(geometry, a.data<T>(), b.data<T>(), result.sums.data(), result.products.data());
  });
  return result;
}

std::pair<Channels, Channels> mean_and_variance(const ChannelSums& moments, std::int64_t count) {
  Channels mean = moments.sums, variance = moments.products;
  const double elements = static_cast<double>(std::max<std::int64_t>(count, 1));
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i] /= elements;
    // The difference of two roundings may fall below zero.
    variance[i] = std::max(variance[i] / elements - mean[i] * mean[i], 0.0);
  }
  return {std::move(mean), std::move(variance)};
}

Channels channel_values(const Tensor& tensor, std::int64_t channels, double otherwise) {
  if (!tensor) return Channels(static_cast<std::size_t>(channels), otherwise);
  return dispatch_float(tensor.dtype(), "channel_values", [&](auto zero) {
    const auto values = tensor.span<decltype(zero)>();
    return Channels(values.begin(), values.end());
  });
}

Tensor channel_tensor(const Channels& values, DType dtype) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(dtype);
}

Tensor scaled_channels(const kernels::NormGeometry& geometry, const Tensor& x, const Channels& scale,
                       const Channels& shift) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "scaled_channels", [&](auto zero) {
    using T = decltype(zero);
    kernels::scale_channels(geometry, x.data<T>(), scale.data(), shift.data(), y.mutable_data<T>());
  });
  return y;
}

Tensor combined_channels(const kernels::NormGeometry& geometry, const Tensor& grad, const Tensor& x,
                         const Channels& grad_scale, const Channels& x_scale, const Channels& shift) {
  Tensor result = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "combined_channels", [&](auto zero) {
    using T = decltype(zero);
    kernels::combine_channels(geometry, grad.data<T>(), x.data<T>(), grad_scale.data(), x_scale.data(), shift.data(),
                              result.mutable_data<T>());
  });
  return result;
}

void check_channels(std::string_view op, std::string_view name, const Tensor& tensor, const Tensor& x) {
  if (!tensor) return;
  if (tensor.shape() != Shape{x.size(-1)})
    raise<ShapeError>(op, "expected {} [{}] for input {}, got {}", name, x.size(-1), x.shape().str(),
                      tensor.shape().str());
  if (tensor.dtype() != x.dtype())
    raise<ValueError>(op, "expected {} of the input's type {}, got {}", name, name_of(x.dtype()),
                      name_of(tensor.dtype()));
}

}  // namespace tessera::detail
