#include <fmt/ranges.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/activation.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/parallel.hpp>
#include <vector>

namespace tessera {
namespace {

const kernels::ActivationInfo& info_of(Activation activation) { return kernels::activation_info(activation.kind); }

/// A negative slope would give two inputs one output, so that f' could not be read off y.
void check(Activation activation) {
  if (activation.slope < 0)
    raise<ValueError>(name_of(activation), "expected {} of 0 or more, got {}", info_of(activation).parameter,
                      activation.slope);
}

struct ActivationNode final : Node {  // saves y or x;  grad_input = grad_output * f'
  ActivationNode(Activation activation, const Tensor& saved) : activation_(activation), saved_(saved) {}
  std::string_view name() const override { return name_of(activation_); }
  Attributes attributes() const override {
    const std::string_view parameter = info_of(activation_).parameter;
    return parameter.empty() ? Attributes{} : Attributes{{std::string(parameter), activation_.slope}};
  }
  Grads backward(const Tensor& grad_output, Needs) override {
    return {activation_gradient(activation_, saved_, grad_output)};
  }
  Activation activation_;
  Saved saved_;
};

}  // namespace

std::string_view name_of(Activation activation) { return info_of(activation).name; }

Activation activation_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kernels::activation_count; ++i) {
    const auto kind = static_cast<Activation::Kind>(i);
    const kernels::ActivationInfo& info = kernels::activation_info(kind);
    if (info.name == name) return {kind, info.default_parameter};
    names.push_back(info.name);
  }
  raise<ValueError>("activation", "there is no \"{}\"; expected one of {}", name, fmt::join(names, ", "));
}

bool gradient_uses_output(Activation activation) {
  check(activation);
  return info_of(activation).gradient_from_output;
}

Tensor activate(const Tensor& x, Activation activation) {
  check(activation);
  if (activation == activation::linear) return x;
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), name_of(activation), [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_ranges(x.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      kernels::activate(activation, in + begin, out + begin, end - begin);
    });
  });
  return record<ActivationNode>(y, {x}, activation, gradient_uses_output(activation) ? y : x);
}

Tensor activation_gradient(Activation activation, const Tensor& saved, const Tensor& grad_output) {
  if (activation == activation::linear) return grad_output;
  Tensor grad = Tensor::empty(grad_output.shape(), grad_output.dtype());
  dispatch_float(grad.dtype(), name_of(activation), [&](auto zero) {
    using T = decltype(zero);
    const T *from = saved.data<T>(), *upstream = grad_output.data<T>();
    T* out = grad.mutable_data<T>();
    parallel_ranges(grad.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      kernels::activation_gradient(activation, from + begin, upstream + begin, out + begin, end - begin);
    });
  });
  return grad;
}

}  // namespace tessera
