#include <algorithm>
#include <cmath>
#include <tessera/optim/adam.hpp>

namespace tessera {
namespace {

std::vector<std::string> states(const AdamOptions& options) {
  std::vector<std::string> names{"m", "v"};
  if (options.amsgrad) names.emplace_back("v_max");
  return names;
}

}  // namespace

Adam::Adam(ParameterGroups parameters, const AdamOptions& options)
    : Adam("adam", std::move(parameters), options, Decay::of_gradient) {}

Adam::Adam(std::string name, ParameterGroups parameters, const AdamOptions& options, Decay decay)
    : Optimizer(std::move(name), std::move(parameters), states(options), options.lr, options.weight_decay),
      options_(options),
      decay_(decay) {
  const auto [beta1, beta2] = options.betas;
  require(beta1 >= 0 && beta1 < 1, "0 <= betas < 1", "betas.first", beta1);
  require(beta2 >= 0 && beta2 < 1, "0 <= betas < 1", "betas.second", beta2);
  require(options.eps >= 0, "eps >= 0", "eps", options.eps);
}

AdamW::AdamW(ParameterGroups parameters, const AdamWOptions& options)
    : Adam("adamw", std::move(parameters),
           {options.lr, options.betas, options.eps, options.weight_decay, options.amsgrad}, Decay::of_parameter) {}

void Adam::update(const ParameterRange& range) const {
  dispatch_float(range.dtype, "adam", [&](auto zero) {
    using T = decltype(zero);
    const double t = static_cast<double>(range.step);
    const double correction1 = 1 - std::pow(options_.betas.first, t);
    const double correction2 = 1 - std::pow(options_.betas.second, t);
    const bool apart = decay_ == Decay::of_parameter;
    const T keep = static_cast<T>(apart ? 1 - range.lr * range.weight_decay : 1);
    const T decay = static_cast<T>(apart ? 0 : range.weight_decay);
    const T rate1 = static_cast<T>(1 - options_.betas.first);
    const T beta2 = static_cast<T>(options_.betas.second), rate2 = static_cast<T>(1 - options_.betas.second);
    const T root = static_cast<T>(std::sqrt(correction2)), eps = static_cast<T>(options_.eps);
    const T step_size = static_cast<T>(range.lr / correction1);
    T *p = range.parameter<T>(), *m = range.state<T>(0), *v = range.state<T>(1);
    T* largest = options_.amsgrad ? range.state<T>(2) : nullptr;
    const T* grad = range.gradient<T>();
    for (std::int64_t i = 0; i < range.count; ++i) {
      const T kept = p[i] * keep;
      const T g = grad[i] + decay * kept;
      m[i] += rate1 * (g - m[i]);
      v[i] = beta2 * v[i] + rate2 * g * g;
      const T square = largest ? largest[i] = std::max(largest[i], v[i]) : v[i];
      p[i] = kept - step_size * m[i] / (std::sqrt(square) / root + eps);
    }
  });
}

}  // namespace tessera
