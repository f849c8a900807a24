#include <cmath>
#include <tessera/optim/rmsprop.hpp>

namespace tessera {
namespace {

std::vector<std::string> states(const RMSpropOptions& options) {
  std::vector<std::string> names{"square_average"};
  if (options.momentum > 0) names.emplace_back("momentum");
  if (options.centered) names.emplace_back("gradient_average");
  return names;
}

}  // namespace

RMSprop::RMSprop(ParameterGroups parameters, const RMSpropOptions& options)
    : Optimizer("rmsprop", std::move(parameters), states(options), options.lr, options.weight_decay),
      options_(options) {
  require(options.alpha >= 0 && options.alpha <= 1, "0 <= alpha <= 1", "alpha", options.alpha);
  require(options.eps >= 0, "eps >= 0", "eps", options.eps);
  require(options.momentum >= 0, "momentum >= 0", "momentum", options.momentum);
}

void RMSprop::update(const ParameterRange& range) const {
  dispatch_float(range.dtype, "rmsprop", [&](auto zero) {
    using T = decltype(zero);
    const T lr = static_cast<T>(range.lr), decay = static_cast<T>(range.weight_decay);
    const T alpha = static_cast<T>(options_.alpha), rate = static_cast<T>(1 - options_.alpha);
    const T eps = static_cast<T>(options_.eps), momentum = static_cast<T>(options_.momentum);
    T *p = range.parameter<T>(), *square = range.state<T>(0);
    T* buffer = options_.momentum > 0 ? range.state<T>(1) : nullptr;
    T* average = options_.centered ? range.state<T>(buffer ? 2 : 1) : nullptr;
    const T* grad = range.gradient<T>();
    for (std::int64_t i = 0; i < range.count; ++i) {
      const T g = grad[i] + decay * p[i];
      square[i] = alpha * square[i] + rate * g * g;
      T variance = square[i];
      if (average) {
        average[i] += rate * (g - average[i]);
        variance -= average[i] * average[i];
      }
      T change = g / (std::sqrt(variance) + eps);
      if (buffer) change = buffer[i] = momentum * buffer[i] + change;
      p[i] -= lr * change;
    }
  });
}

}  // namespace tessera
