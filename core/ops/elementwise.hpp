#pragma once

#include <optional>
#include <tessera/core/tensor.hpp>

namespace tessera {

// Elementwise ops of one float tensor; activations are in activation.hpp. The shape stays. ValueError for integer
// types.

Tensor exp(const Tensor& x);
/// The natural logarithm.
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// |x|; the gradient at 0 is 0.
Tensor abs(const Tensor& x);
/// -1, 0 or 1; the gradient is 0 everywhere.
Tensor sign(const Tensor& x);
/// -x
Tensor neg(const Tensor& x);
/// x^exponent
Tensor pow(const Tensor& x, double exponent);
/// min(max(x, low), high), a bound left out where it is nullopt; the gradient passes where low <= x <= high.
/// ValueError where low > high.
Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high);

}  // namespace tessera
