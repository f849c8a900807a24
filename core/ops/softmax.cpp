#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/softmax.hpp>
#include <tessera/core/ops/softmax.hpp>

namespace tessera {
namespace {

kernels::SoftmaxGeometry geometry_of(const Shape& shape, std::int64_t axis) {
  kernels::SoftmaxGeometry geometry{.classes = shape[axis]};
  for (std::int64_t a = 0; a < axis; ++a) geometry.outer *= shape[a];
  for (std::int64_t a = axis + 1; a < shape.rank(); ++a) geometry.inner *= shape[a];
  return geometry;
}

struct SoftmaxNode final : Node {  // saves y;  grad_input = y (g - sum g y), of the logarithm g - exp(y) sum g
  SoftmaxNode(const Tensor& y, std::int64_t axis, bool log) : y_(y), axis_(axis), log_(log) {}
  std::string_view name() const override { return log_ ? "log_softmax" : "softmax"; }
  Attributes attributes() const override { return {{"axis", axis_}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    const Tensor& y = y_;
    Tensor grad = Tensor::empty(y.shape(), y.dtype());
    if (y.numel() == 0) return {grad};
    dispatch_float(y.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      kernels::softmax_backward(geometry_of(y.shape(), axis_), y.data<T>(), grad_output.data<T>(),
                                grad.mutable_data<T>(), log_);
    });
    return {grad};
  }
  Saved y_;
  std::int64_t axis_;
  bool log_;
};

Tensor softmax_of(const Tensor& x, std::int64_t axis, bool log) {
  axis = x.shape().normalize_axis(axis);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), log ? "log_softmax" : "softmax", [&](auto zero) {
    using T = decltype(zero);
    if (x.numel() > 0) kernels::softmax(geometry_of(x.shape(), axis), x.data<T>(), y.mutable_data<T>(), log);
  });
  return record<SoftmaxNode>(y, {x}, y, axis, log);
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t axis) { return softmax_of(x, axis, false); }
Tensor log_softmax(const Tensor& x, std::int64_t axis) { return softmax_of(x, axis, true); }

}  // namespace tessera
