#pragma once

#include <string_view>
#include <tessera/core/activation.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// "relu", "leaky_relu", ...
std::string_view name_of(Activation activation);

/// The activation called `name`, with its default slope; ValueError lists the names there are.
Activation activation_named(std::string_view name);

/// y = f(x), elementwise: the op behind relu(x), gelu(x) and the rest.
Tensor activate(const Tensor& x, Activation activation);

/// True where f'(x) is a function of y = f(x), so that backward needs the output and not the input.
bool gradient_uses_output(Activation activation);

/// grad_output * f', where `saved` is y if gradient_uses_output(activation), else x. For ops with a fused activation.
Tensor activation_gradient(Activation activation, const Tensor& saved, const Tensor& grad_output);

}  // namespace tessera
