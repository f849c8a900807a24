#include <cmath>
#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/elementwise.hpp>
#include <tessera/core/ops/elementwise.hpp>

namespace tessera {
namespace {

enum class Derivative : std::uint8_t { of_x, of_y };

/// An op by its formulas: f of x, and f' of x or of y = f(x).
template <class F, class D>
struct Formula {
  std::string_view name;
  Derivative derivative_of;
  F f;
  D derivative;
};
template <class F, class D>  // clang 14 does not deduce an aggregate's arguments by itself
Formula(std::string_view, Derivative, F, D)->Formula<F, D>;

template <class Op>
struct ElementwiseNode final : Node {  // saves x or y;  grad_input = grad_output * f'
  ElementwiseNode(const Op& op, Attributes attributes, const Tensor& saved)
      : op_(op), attributes_(std::move(attributes)), saved_(saved) {}
  std::string_view name() const override { return op_.name; }
  Attributes attributes() const override { return attributes_; }
  Grads backward(const Tensor& grad_output, Needs) override {
    const Tensor& saved = saved_;
    Tensor grad = Tensor::empty(grad_output.shape(), grad_output.dtype());
    dispatch_float(grad.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      const auto derivative = op_.derivative;
      kernels::map(
          grad.numel(), grad.mutable_data<T>(), [derivative](T g, T v) { return g * derivative(v); },
          grad_output.data<T>(), saved.data<T>());
    });
    return {grad};
  }
  Op op_;
  Attributes attributes_;
  Saved saved_;
};

template <class Op>
Tensor apply(const Op& op, const Tensor& x, const Attributes& attributes = {}) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), op.name, [&](auto zero) {
    using T = decltype(zero);
    kernels::map(x.numel(), y.mutable_data<T>(), op.f, x.data<T>());
  });
  return record<ElementwiseNode<Op>>(y, {x}, op, attributes, op.derivative_of == Derivative::of_y ? y : x);
}

template <class T>
T sign_of(T x) {
  return static_cast<T>((x > 0) - (x < 0));
}

constexpr Formula exp_formula{"exp", Derivative::of_y,  //
                              [](auto x) { return std::exp(x); }, [](auto y) { return y; }};
constexpr Formula log_formula{"log", Derivative::of_x,  //
                              [](auto x) { return std::log(x); }, [](auto x) { return 1 / x; }};
constexpr Formula sqrt_formula{"sqrt", Derivative::of_y,  //
                               [](auto x) { return std::sqrt(x); }, [](auto y) { return decltype(y){0.5} / y; }};
constexpr Formula abs_formula{"abs", Derivative::of_x,  //
                              [](auto x) { return std::abs(x); }, [](auto x) { return sign_of(x); }};
constexpr Formula sign_formula{"sign", Derivative::of_x,  //
                               [](auto x) { return sign_of(x); }, [](auto x) { return decltype(x){0}; }};
constexpr Formula neg_formula{"neg", Derivative::of_y,  //
                              [](auto x) { return -x; }, [](auto y) { return decltype(y){-1}; }};

}  // namespace

Tensor exp(const Tensor& x) { return apply(exp_formula, x); }
Tensor log(const Tensor& x) { return apply(log_formula, x); }
Tensor sqrt(const Tensor& x) { return apply(sqrt_formula, x); }
Tensor abs(const Tensor& x) { return apply(abs_formula, x); }
Tensor sign(const Tensor& x) { return apply(sign_formula, x); }
Tensor neg(const Tensor& x) { return apply(neg_formula, x); }

Tensor pow(const Tensor& x, double exponent) {
  const Formula formula{"pow", Derivative::of_x,
                        [exponent](auto v) {
                          using T = decltype(v);
                          return exponent == 2 ? v * v : std::pow(v, static_cast<T>(exponent));
                        },
                        [exponent](auto v) {
                          using T = decltype(v);
                          if (exponent == 0) return T{0};
                          if (exponent == 2) return 2 * v;
                          return static_cast<T>(exponent) * std::pow(v, static_cast<T>(exponent - 1));
                        }};
  return apply(formula, x, {{"exponent", exponent}});
}

Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double least = low.value_or(-infinity), most = high.value_or(infinity);
  if (!(least <= most)) raise<ValueError>("clamp", "expected low <= high, got {} and {}", least, most);
  const Formula formula{"clamp", Derivative::of_x,
                        [least, most](auto v) {
                          using T = decltype(v);
                          const T from = static_cast<T>(least), to = static_cast<T>(most);
                          return v < from ? from : v > to ? to : v;
                        },
                        [least, most](auto v) {
                          using T = decltype(v);
                          return v < static_cast<T>(least) || v > static_cast<T>(most) ? T{0} : T{1};
                        }};
  Attributes attributes;
  if (low) attributes.emplace_back("low", *low);
  if (high) attributes.emplace_back("high", *high);
  return apply(formula, x, attributes);
}

}  // namespace tessera
