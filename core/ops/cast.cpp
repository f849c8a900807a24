#include <algorithm>
#include <tessera/core/autograd.hpp>

namespace tessera {
namespace {

Tensor converted(const Tensor& x, DType dtype) {
  Tensor y = Tensor::empty(x.shape(), dtype);
  dispatch_all(x.dtype(), [&](auto from) {
    dispatch_all(dtype, [&](auto to) {
      using To = decltype(to);
      const auto values = x.span<decltype(from)>();
      std::transform(values.begin(), values.end(), y.mutable_data<To>(), [](auto v) { return static_cast<To>(v); });
    });
  });
  return y;
}

struct CastNode final : Node {  // saves the input's type;  grad_input = grad_output in that type
  CastNode(std::string_view name, DType from, DType to) : name_(name), from_(from), to_(to) {}
  std::string_view name() const override { return name_; }
  Attributes attributes() const override { return {{"to", std::string(name_of(to_))}}; }
  Grads backward(const Tensor& grad_output, Needs) override { return {grad_output.to(from_)}; }
  std::string_view name_;
  DType from_, to_;
};

}  // namespace

Tensor Tensor::to(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor y = converted(*this, dtype);
  if (!is_float(dtype) || !is_float(this->dtype()))
    return record_constant("cast", y, {*this}, {{"to", std::string(name_of(dtype))}});
  return record<CastNode>(y, {*this}, "cast", this->dtype(), dtype);
}

Tensor Tensor::clone() const { return record<CastNode>(converted(*this, dtype()), {*this}, "clone", dtype(), dtype()); }

}  // namespace tessera
