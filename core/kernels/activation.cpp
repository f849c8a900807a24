#include <array>
#include <cmath>
#include <numbers>
#include <tessera/core/kernels/activation.hpp>
#include <tuple>

namespace tessera::kernels {
namespace {

using Kind = Activation::Kind;

/// One activation: f(x, slope), and f' as a function of x or of y.
template <class F, class D>
struct Row {
  Kind kind;
  ActivationInfo info;
  F f;
  D derivative;
};
template <class F, class D>  // clang 14 does not deduce an aggregate's arguments by itself
Row(Kind, ActivationInfo, F, D)->Row<F, D>;

constexpr bool of_x = false, of_y = true;

// SELU's two constants make mean 0 and variance 1 a fixed point (Klambauer et al. 2017).
constexpr double selu_scale = 1.0507009873554804934193349852946;
constexpr double selu_alpha = 1.6732632423543772848170429916717;

template <class T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

/// The standard normal distribution function; erfc keeps the digits of its lower tail.
template <class T>
T normal_cdf(T x) {
  return T{0.5} * std::erfc(-x * static_cast<T>(1 / std::numbers::sqrt2));
}

template <class T>
T normal_density(T x) {
  return static_cast<T>(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * std::exp(T{-0.5} * x * x);
}

template <class T>
T hard_sigmoid(T x) {
  return x < -3 ? T{0} : x > 3 ? T{1} : (x + 3) / 6;
}

// The comparisons are turned so that a NaN stays one.
constexpr std::tuple rows{
    Row{Kind::linear,
        {"linear", "", 0, of_y},  //
        [](auto x, auto) { return x; },
        [](auto y, auto) { return decltype(y){1}; }},
    Row{Kind::relu,
        {"relu", "", 0, of_y},  //
        [](auto x, auto) { return x < 0 ? decltype(x){0} : x; },
        [](auto y, auto) { return y > 0 ? decltype(y){1} : decltype(y){0}; }},
    Row{Kind::leaky_relu,
        {"leaky_relu", "slope", activation::leaky_relu().slope, of_y},
        [](auto x, auto slope) { return x < 0 ? slope * x : x; },
        [](auto y, auto slope) { return y > 0 ? decltype(y){1} : slope; }},
    Row{Kind::elu,
        {"elu", "alpha", activation::elu().slope, of_y},
        [](auto x, auto alpha) { return x > 0 ? x : alpha * std::expm1(x); },
        [](auto y, auto alpha) { return y > 0 ? decltype(y){1} : y + alpha; }},
    Row{Kind::selu,
        {"selu", "", 0, of_y},
        [](auto x, auto) {
          using T = decltype(x);
          return x > 0 ? static_cast<T>(selu_scale) * x : static_cast<T>(selu_scale * selu_alpha) * std::expm1(x);
        },
        [](auto y, auto) {
          using T = decltype(y);
          return y > 0 ? static_cast<T>(selu_scale) : y + static_cast<T>(selu_scale * selu_alpha);
        }},
    Row{Kind::gelu,
        {"gelu", "", 0, of_x},  //
        [](auto x, auto) { return x * normal_cdf(x); },
        [](auto x, auto) { return normal_cdf(x) + x * normal_density(x); }},
    Row{Kind::silu,
        {"silu", "", 0, of_x},  //
        [](auto x, auto) { return x * sigmoid(x); },
        [](auto x, auto) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }},
    Row{Kind::sigmoid,
        {"sigmoid", "", 0, of_y},  //
        [](auto x, auto) { return sigmoid(x); },
        [](auto y, auto) { return y * (1 - y); }},
    Row{Kind::tanh,
        {"tanh", "", 0, of_y},  //
        [](auto x, auto) { return std::tanh(x); },
        [](auto y, auto) { return 1 - y * y; }},
    Row{Kind::softplus,
        {"softplus", "", 0, of_y},  //
        [](auto x, auto) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
        [](auto y, auto) { return -std::expm1(-y); }},
    Row{Kind::hard_swish,
        {"hard_swish", "", 0, of_x},  //
        [](auto x, auto) { return x * hard_sigmoid(x); },
        [](auto x, auto) { return x < -3  ? decltype(x){0}
                                  : x > 3 ? decltype(x){1}
                                          : x / 3 + decltype(x){0.5}; }},
};
static_assert(std::tuple_size_v<decltype(rows)> == activation_count);

/// Calls `use` with the row of a kind.
template <class Use>
void with_row(Kind kind, Use&& use) {
  std::apply([&](const auto&... row) { (void)((row.kind == kind && (use(row), true)) || ...); }, rows);
}

}  // namespace

const ActivationInfo& activation_info(Kind kind) {
  const ActivationInfo* found = nullptr;
  with_row(kind, [&](const auto& row) { found = &row.info; });
  return *found;
}

template <class T>
void activate(Activation activation, const T* x, T* y, std::int64_t count) {
  const T slope = static_cast<T>(activation.slope);
  with_row(activation.kind, [&](const auto& row) {
    if (x == y) {  // a loop over one pointer, which the compiler may turn into vectors
      for (std::int64_t i = 0; i < count; ++i) y[i] = row.f(y[i], slope);
    } else {
      for (std::int64_t i = 0; i < count; ++i) y[i] = row.f(x[i], slope);
    }
  });
}

template <class T>
void activation_gradient(Activation activation, const T* saved, const T* grad_output, T* grad, std::int64_t count) {
  const T slope = static_cast<T>(activation.slope);
  with_row(activation.kind, [&](const auto& row) {
    if (grad == grad_output) {
      for (std::int64_t i = 0; i < count; ++i) grad[i] *= row.derivative(saved[i], slope);
    } else {
      for (std::int64_t i = 0; i < count; ++i) grad[i] = grad_output[i] * row.derivative(saved[i], slope);
    }
  });
}

template void activate(Activation, const float*, float*, std::int64_t);
template void activate(Activation, const double*, double*, std::int64_t);
template void activation_gradient(Activation, const float*, const float*, float*, std::int64_t);
template void activation_gradient(Activation, const double*, const double*, double*, std::int64_t);

}  // namespace tessera::kernels
