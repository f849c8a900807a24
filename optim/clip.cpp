#include <algorithm>
#include <cmath>
#include <tessera/core/parallel.hpp>
#include <tessera/optim/clip.hpp>

namespace tessera {
namespace {

double square_sum(const Tensor& grad) {
  const std::int64_t count = grad.numel();
  std::vector<double> partial(static_cast<std::size_t>((count + elementwise_grain - 1) / elementwise_grain));
  dispatch_float(grad.dtype(), "clip_grad_norm", [&](auto zero) {
    const auto* values = grad.data<decltype(zero)>();
    parallel_ranges(count, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      partial[static_cast<std::size_t>(begin / elementwise_grain)] = sum;
    });
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

template <class F>
void change_in_place(Tensor grad, F change) {
  dispatch_float(grad.dtype(), "clip_grad", [&](auto zero) {
    using T = decltype(zero);
    T* values = grad.mutable_data<T>();
    parallel_ranges(grad.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) values[i] = change(values[i]);
    });
  });
}

}  // namespace

double grad_norm(const std::vector<Parameter>& parameters) {
  double sum = 0;
  for (const Parameter& parameter : parameters)
    if (const Tensor grad = parameter.tensor.grad()) sum += square_sum(grad);
  return std::sqrt(sum);
}

double clip_grad_norm(const std::vector<Parameter>& parameters, double max_norm) {
  if (!(max_norm >= 0)) raise<ValueError>("clip_grad_norm", "expected max_norm >= 0, got {}", max_norm);
  const double norm = grad_norm(parameters);
  const double factor = max_norm / (norm + 1e-6);
  if (!(factor >= 1)) scale_grad(parameters, factor);
  return norm;
}

void scale_grad(const std::vector<Parameter>& parameters, double factor) {
  for (const Parameter& parameter : parameters)
    if (const Tensor grad = parameter.tensor.grad())
      change_in_place(grad, [factor](auto value) { return value * static_cast<decltype(value)>(factor); });
}

void clip_grad_value(const std::vector<Parameter>& parameters, double clip_value) {
  if (!(clip_value >= 0)) raise<ValueError>("clip_grad_value", "expected clip_value >= 0, got {}", clip_value);
  for (const Parameter& parameter : parameters)
    if (const Tensor grad = parameter.tensor.grad())
      change_in_place(grad, [clip_value](auto value) {
        const auto limit = static_cast<decltype(value)>(clip_value);
        return std::clamp(value, -limit, limit);
      });
}

}  // namespace tessera
