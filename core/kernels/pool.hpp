#pragma once

#include <tessera/core/conv_geometry.hpp>

// Pooling reads its windows from the geometry of a depthwise convolution; every window holds at least one pixel.
namespace tessera::kernels {

/// The largest number of every window: the first of equal ones, a NaN before all. x [N, H, W, C], y [N, H', W', C].
/// Where `indices` is not null it gets the pixel each came from, flat in its plane: row * W + column.
template <class T>
void max_pool(const ConvGeometry& geometry, const T* x, T* y, std::int32_t* indices);

/// grad_x: every window's gradient goes to the pixel that max_pool took, found again in x.
template <class T>
void max_pool_backward(const ConvGeometry& geometry, const T* x, const T* grad_y, T* grad_x);

/// The mean of every window: of its pixels inside the image, or, with count_padding, of all of them with zeros outside.
template <class T>
void avg_pool(const ConvGeometry& geometry, const T* x, T* y, bool count_padding);

template <class T>
void avg_pool_backward(const ConvGeometry& geometry, const T* grad_y, T* grad_x, bool count_padding);

/// out[n, indices[n, i, c], c] = values[n, i, c], zero elsewhere; of equal indices the last wins.
template <class T>
void max_unpool(const T* values, const std::int32_t* indices, std::int64_t images, std::int64_t pixels,
                std::int64_t out_pixels, std::int64_t channels, T* out);

/// The gradient of max_unpool. Empties grad_out as it goes, so that only the value that won gets a gradient.
template <class T>
void max_unpool_backward(T* grad_out, const std::int32_t* indices, std::int64_t images, std::int64_t pixels,
                         std::int64_t out_pixels, std::int64_t channels, T* grad_values);

}  // namespace tessera::kernels
