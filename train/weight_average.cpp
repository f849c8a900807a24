#include <algorithm>
#include <tessera/core/autograd.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/optim/state_entry.hpp>
#include <tessera/train/weight_average.hpp>

namespace tessera {
namespace {

StateDict copy_of(const StateDict& values) {
  const NoGrad no_grad;
  StateDict copy;
  for (const auto& [path, tensor] : values) copy.emplace(path, tensor.detach().clone());
  return copy;
}

}  // namespace

WeightAverage::WeightAverage(const Module& model, double decay)
    : model_(model.state_dict()), values_(copy_of(model_)), decay_(decay) {
  if (!(decay > 0 && decay < 1)) throw ValueError(fmt::format("ema: expected a decay between 0 and 1, got {}", decay));
}

void WeightAverage::update(std::int64_t step) {
  const auto t = static_cast<double>(step);
  const double share = 1 - std::min(decay_, (1 + t) / (10 + t));
  for (auto& [path, value] : values_) {
    Tensor& average = value;  // a lambda cannot hold a binding in clang 14
    const Tensor& now = model_.at(path);
    if (average.dtype() != f32 && average.dtype() != f64) {
      average.copy_(now);
      continue;
    }
    dispatch_float(average.dtype(), "ema", [&](auto zero) {
      using T = decltype(zero);
      T* to = average.mutable_data<T>();
      const T* from = now.data<T>();
      parallel_ranges(average.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] += static_cast<T>(share) * (from[i] - to[i]);
      });
    });
  }
}

void WeightAverage::exchange() {
  const NoGrad no_grad;
  for (auto& [path, value] : values_) {
    Tensor& now = model_.at(path);
    const Tensor before = now.detach().clone();
    now.copy_(value);
    value.copy_(before);
  }
}

void WeightAverage::load_state_dict(const StateDict& values) {
  for (auto& [path, value] : values_) value.copy_(state_entry("ema", values, path, value.shape()).to(value.dtype()));
}

}  // namespace tessera
