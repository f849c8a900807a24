#include <functional>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/broadcast.hpp>
#include <tessera/core/ops/binary_operands.hpp>
#include <tessera/core/ops/compare.hpp>
#include <tessera/core/ops/reduce.hpp>

namespace tessera {
namespace {

template <class F>
Tensor compared(const char* op, const Tensor& a, const Tensor& b, F f) {
  check_same_type(op, a, b);
  Tensor y = Tensor::empty(broadcast_shapes(a.shape(), b.shape(), op), u8);
  const kernels::Broadcast<2> plan(y.shape(), {a.shape(), b.shape()});
  dispatch_all(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::broadcast(
        plan, y.mutable_data<std::uint8_t>(), [f](T p, T q) { return static_cast<std::uint8_t>(f(p, q)); }, a.data<T>(),
        b.data<T>());
  });
  return record_constant(op, y, {a, b});
}

template <class F>
Tensor compared(const char* op, const Tensor& a, double b, F f) {
  const Tensor left = is_float(a.dtype()) ? a : a.to(f64);
  return compared(op, left, Tensor::scalar(b, left.dtype()), f);
}

/// condition ? a : b; the operands' types are the same and any.
Tensor chosen(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
  Tensor y = Tensor::empty(shape, a.dtype());
  const kernels::Broadcast<3> plan(shape, {condition.shape(), a.shape(), b.shape()});
  dispatch_all(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::broadcast(
        plan, y.mutable_data<T>(), [](std::uint8_t c, T p, T q) { return c != 0 ? p : q; },
        condition.data<std::uint8_t>(), a.data<T>(), b.data<T>());
  });
  return y;
}

struct WhereNode final : Node {  // saves the condition;  grad_a = grad_output where it holds, grad_b elsewhere
  WhereNode(const Tensor& condition, const Shape& a, const Shape& b) : condition_(condition), a_(a), b_(b) {}
  std::string_view name() const override { return "where"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    const Tensor nothing = Tensor::scalar(0, grad_output.dtype());
    Grads grads(3);
    if (needs[1]) grads[1] = sum_to_shape(chosen(condition_, grad_output, nothing), a_);
    if (needs[2]) grads[2] = sum_to_shape(chosen(condition_, nothing, grad_output), b_);
    return grads;
  }
  Saved condition_;
  Shape a_, b_;
};

}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return compared("equal", a, b, std::equal_to<>()); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return compared("not_equal", a, b, std::not_equal_to<>()); }
Tensor less(const Tensor& a, const Tensor& b) { return compared("less", a, b, std::less<>()); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return compared("less_equal", a, b, std::less_equal<>()); }
Tensor greater(const Tensor& a, const Tensor& b) { return compared("greater", a, b, std::greater<>()); }
Tensor greater_equal(const Tensor& a, const Tensor& b) {
  return compared("greater_equal", a, b, std::greater_equal<>());
}

Tensor equal(const Tensor& a, double b) { return compared("equal", a, b, std::equal_to<>()); }
Tensor not_equal(const Tensor& a, double b) { return compared("not_equal", a, b, std::not_equal_to<>()); }
Tensor less(const Tensor& a, double b) { return compared("less", a, b, std::less<>()); }
Tensor less_equal(const Tensor& a, double b) { return compared("less_equal", a, b, std::less_equal<>()); }
Tensor greater(const Tensor& a, double b) { return compared("greater", a, b, std::greater<>()); }
Tensor greater_equal(const Tensor& a, double b) { return compared("greater_equal", a, b, std::greater_equal<>()); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (condition.dtype() != u8)
    raise<ValueError>("where", "expected a u8 condition, as comparisons give, got {}", name_of(condition.dtype()));
  check_same_type("where", a, b);
  return record<WhereNode>(chosen(condition, a, b), {condition, a, b}, condition, a.shape(), b.shape());
}

Tensor where(const Tensor& condition, const Tensor& a, double b) {
  return where(condition, a, Tensor::scalar(b, a.dtype()));
}

Tensor where(const Tensor& condition, double a, const Tensor& b) {
  return where(condition, Tensor::scalar(a, b.dtype()), b);
}

}  // namespace tessera
