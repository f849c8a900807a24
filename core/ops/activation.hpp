#pragma once

#include <string_view>
#include <tessera/core/activation.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// "relu", "leaky_relu", ...
std::string_view name_of(Activation activation);

/// The activation called `name`, with its default slope; ValueError lists the names there are.
Activation activation_named(std::string_view name);

/// y = f(x), elementwise: the op behind relu(x), gelu(x) and the rest. ValueError for a negative slope or alpha.
Tensor activate(const Tensor& x, Activation activation);

/// True where f'(x) is a function of y = f(x), so that backward needs the output and not the input.
bool gradient_uses_output(Activation activation);

/// grad_output * f', where `saved` is y if gradient_uses_output(activation), else x. For ops with a fused activation.
Tensor activation_gradient(Activation activation, const Tensor& saved, const Tensor& grad_output);

/// max(x, 0)
inline Tensor relu(const Tensor& x) { return activate(x, activation::relu); }
/// x where positive, else slope * x. The default is Keras' (leaky_relu); PyTorch's is 0.01.
inline Tensor leaky_relu(const Tensor& x, double slope = activation::leaky_relu().slope) {
  return activate(x, activation::leaky_relu(slope));
}
/// x where positive, else alpha * (e^x - 1)
inline Tensor elu(const Tensor& x, double alpha = 1) { return activate(x, activation::elu(alpha)); }
/// 1.0507 * elu(x, 1.6733): Klambauer et al. 2017
inline Tensor selu(const Tensor& x) { return activate(x, activation::selu); }
/// x times the normal distribution function of x, by erf and not by its tanh approximation
inline Tensor gelu(const Tensor& x) { return activate(x, activation::gelu); }
/// x * sigmoid(x), also called swish
inline Tensor silu(const Tensor& x) { return activate(x, activation::silu); }
/// 1 / (1 + e^-x)
inline Tensor sigmoid(const Tensor& x) { return activate(x, activation::sigmoid); }
inline Tensor tanh(const Tensor& x) { return activate(x, activation::tanh); }
/// log(1 + e^x)
inline Tensor softplus(const Tensor& x) { return activate(x, activation::softplus); }
/// x * min(max(x + 3, 0), 6) / 6: Howard et al. 2019
inline Tensor hard_swish(const Tensor& x) { return activate(x, activation::hard_swish); }

}  // namespace tessera
