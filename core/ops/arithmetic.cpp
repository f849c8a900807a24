#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/broadcast.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/binary_operands.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>

namespace tessera {
namespace {

template <class F>
Tensor combined(const char* op, const Tensor& a, const Tensor& b, F f) {
  check_same_type(op, a, b);
  Tensor y = Tensor::empty(broadcast_shapes(a.shape(), b.shape(), op), a.dtype());
  const kernels::Broadcast<2> plan(y.shape(), {a.shape(), b.shape()});
  dispatch_float(y.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    kernels::broadcast(plan, y.mutable_data<T>(), f, a.data<T>(), b.data<T>());
  });
  return y;
}

struct SumNode final : Node {  // saves the shapes and b's sign;  grad_a = grad_output, grad_b = sign * grad_output
  SumNode(bool adds, const Shape& a, const Shape& b) : adds_(adds), a_(a), b_(b) {}
  std::string_view name() const override { return adds_ ? "add" : "sub"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    Grads grads(2);
    if (needs[0]) grads[0] = sum_to_shape(grad_output, a_);
    if (needs[1]) grads[1] = sum_to_shape(grad_output, b_);
    if (needs[1] && !adds_) grads[1] = neg(grads[1]);
    return grads;
  }
  bool adds_;
  Shape a_, b_;
};

/// An op by its formulas: y of (a, b), and the gradients of a and b as functions of (a, b, grad_output).
template <class F, class A, class B>
struct Formula {
  const char* name;
  F f;
  A grad_a;
  B grad_b;
};

template <class F, class A, class B>
Formula(const char*, F, A, B) -> Formula<F, A, B>;

template <class Op>
struct BinaryNode final : Node {  // saves a, b;  the formula's gradients, summed over what was repeated
  BinaryNode(const Op& op, const Tensor& a, const Tensor& b) : op_(op), a_(a), b_(b) {}
  std::string_view name() const override { return op_.name; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    Grads grads(2);
    if (needs[0]) grads[0] = gradient(op_.grad_a, grad_output, a_->shape());
    if (needs[1]) grads[1] = gradient(op_.grad_b, grad_output, b_->shape());
    return grads;
  }
  template <class F>
  Tensor gradient(F f, const Tensor& grad_output, const Shape& shape) const {
    Tensor grad = Tensor::empty(grad_output.shape(), grad_output.dtype());
    const kernels::Broadcast<3> plan(grad.shape(), {a_->shape(), b_->shape(), grad.shape()});
    dispatch_float(grad.dtype(), op_.name, [&](auto zero) {
      using T = decltype(zero);
      kernels::broadcast(plan, grad.mutable_data<T>(), f, a_->data<T>(), b_->data<T>(), grad_output.data<T>());
    });
    return sum_to_shape(grad, shape);
  }
  Op op_;
  Saved a_, b_;
};

template <class Op>
Tensor apply(const Op& op, const Tensor& a, const Tensor& b) {
  return record<BinaryNode<Op>>(combined(op.name, a, b, op.f), {a, b}, op, a, b);
}

/// All of the gradient where this operand was taken, half of it at a tie.
template <class T>
T share(bool taken, bool tie, T g) {
  return taken ? g : tie ? g / 2 : T{0};
}

constexpr Formula mul_formula{"mul",                                       //
                              [](auto a, auto b) { return a * b; },        //
                              [](auto, auto b, auto g) { return g * b; },  //
                              [](auto a, auto, auto g) { return g * a; }};
constexpr Formula div_formula{"div",                                       //
                              [](auto a, auto b) { return a / b; },        //
                              [](auto, auto b, auto g) { return g / b; },  //
                              [](auto a, auto b, auto g) { return -g * (a / b) / b; }};
constexpr Formula minimum_formula{"minimum",  //
                                  [](auto a, auto b) { return a < b || a != a ? a : b; },
                                  [](auto a, auto b, auto g) { return share(a < b, a == b, g); },
                                  [](auto a, auto b, auto g) { return share(b < a, a == b, g); }};
constexpr Formula maximum_formula{"maximum",  //
                                  [](auto a, auto b) { return a > b || a != a ? a : b; },
                                  [](auto a, auto b, auto g) { return share(a > b, a == b, g); },
                                  [](auto a, auto b, auto g) { return share(b > a, a == b, g); }};
constexpr Formula pow_formula{"pow",  //
                              [](auto a, auto b) { return std::pow(a, b); },
                              [](auto a, auto b, auto g) { return b == 0 ? b : g * b * std::pow(a, b - 1); },
                              [](auto a, auto b, auto g) { return a == 0 ? a : g * std::pow(a, b) * std::log(a); }};

Tensor number(double value, const Tensor& beside) { return Tensor::scalar(value, beside.dtype()); }

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const Tensor y = combined("add", a, b, [](auto p, auto q) { return p + q; });
  return record<SumNode>(y, {a, b}, true, a.shape(), b.shape());
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const Tensor y = combined("sub", a, b, [](auto p, auto q) { return p - q; });
  return record<SumNode>(y, {a, b}, false, a.shape(), b.shape());
}

Tensor mul(const Tensor& a, const Tensor& b) { return apply(mul_formula, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply(div_formula, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return apply(pow_formula, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply(minimum_formula, a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply(maximum_formula, a, b); }

Tensor add(const Tensor& a, double b) { return add(a, number(b, a)); }
Tensor sub(const Tensor& a, double b) { return sub(a, number(b, a)); }
Tensor sub(double a, const Tensor& b) { return sub(number(a, b), b); }
Tensor mul(const Tensor& a, double b) { return mul(a, number(b, a)); }
Tensor div(const Tensor& a, double b) { return div(a, number(b, a)); }
Tensor div(double a, const Tensor& b) { return div(number(a, b), b); }
Tensor minimum(const Tensor& a, double b) { return minimum(a, number(b, a)); }
Tensor maximum(const Tensor& a, double b) { return maximum(a, number(b, a)); }

Tensor operator-(const Tensor& a) { return neg(a); }

}  // namespace tessera
