#pragma once

#include <tessera/core/activation.hpp>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// Convolution: output[n, y, x, o] = act(bias[o] + sum over taps and channels of input[n, y s - pad + tap d, ...] *
/// kernel[tap, ..., o]).
///
/// x [N, H, W, C], kernel [kh, kw, C / groups, filters], bias [filters] or undefined -> [N, H', W', filters] with the
/// sizes of conv2d_geometry. ShapeError where they do not fit.
Tensor conv2d(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvOptions& options,
              Activation activation = {});

/// conv2d of `parts` side by side, as concat(parts, -1) puts them. Both ways read each part by itself (forward where
/// Winograd applies and parts have a multiple of 16 channels), so that neither all of them joined nor the gradient of
/// that takes memory or time.
///
/// parts [N, H, W, C_i], their channels add up to C; the rest, and the errors, as of concat and conv2d.
Tensor conv2d_concat(std::vector<Tensor> parts, const Tensor& kernel, const Tensor& bias, const ConvOptions& options,
                     Activation activation = {});

/// Transposed convolution: every input pixel adds kernel * value to the output at (y s, x s); then crop, bias,
/// activation.
///
/// x [N, H, W, C], kernel [kh, kw, filters / groups, C], bias [filters] or undefined -> [N, H', W', filters] with the
/// sizes of conv2d_transpose_geometry. ShapeError where they do not fit.
Tensor conv2d_transpose(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvTransposeOptions& options,
                        Activation activation = {});

}  // namespace tessera
