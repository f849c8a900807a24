#pragma once

#include <string>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera::test {

/// One convolution that every kernel, plan and direction is tried on.
struct ConvCase {
  std::string name;
  std::int64_t batch;
  Size2D input;
  std::int64_t in_channels, filters;
  Size2D kernel = 3;
  ConvOptions options{};
};

/// Odd and even sizes, strides, dilations, groups, kernels below the stride, channels beside the vector's width.
const std::vector<ConvCase>& conv_cases();

/// Small integers, so that sums are exact in f32 whatever their order.
Tensor small_integers(const Shape& shape, std::uint64_t seed, DType dtype = f64);

/// Convolution by its definition in double: seven loops that share nothing with the library but the geometry's numbers.
Tensor reference_conv(const ConvGeometry& geometry, const Tensor& input, const Tensor& kernel);
Tensor reference_input_gradient(const ConvGeometry& geometry, const Tensor& grad_output, const Tensor& kernel);
Tensor reference_kernel_gradient(const ConvGeometry& geometry, const Tensor& input, const Tensor& grad_output);

}  // namespace tessera::test
