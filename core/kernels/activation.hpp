#pragma once

#include <cstdint>
#include <string_view>
#include <tessera/core/activation.hpp>

namespace tessera::kernels {

/// What the table of activations says of one of them besides its formulas.
struct ActivationInfo {
  std::string_view name;
  std::string_view parameter;  ///< what `slope` is called, empty where it has none
  double default_parameter = 0;
  bool gradient_from_output = false;  ///< f' is written as a function of y = f(x)
};

inline constexpr std::size_t activation_count = 11;

const ActivationInfo& activation_info(Activation::Kind kind);

/// y[i] = f(x[i]) for i below `count`, on the calling thread. y may be x.
template <class T>
void activate(Activation activation, const T* x, T* y, std::int64_t count);

/// grad[i] = grad_output[i] * f', f' taken from `saved`: y where gradient_from_output, else x. grad may be grad_output.
template <class T>
void activation_gradient(Activation activation, const T* saved, const T* grad_output, T* grad, std::int64_t count);

}  // namespace tessera::kernels
