#include <tessera/optim/sgd.hpp>

namespace tessera {

SGD::SGD(ParameterGroups parameters, const SGDOptions& options)
    : Optimizer("sgd", std::move(parameters),
                options.momentum != 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{}, options.lr,
                options.weight_decay),
      options_(options) {
  require(options.momentum >= 0, "momentum >= 0", "momentum", options.momentum);
  require(!options.nesterov || options.momentum > 0, "a positive momentum for nesterov", "momentum", options.momentum);
  require(!options.nesterov || options.dampening == 0, "no dampening for nesterov", "dampening", options.dampening);
}

void SGD::update(const ParameterRange& range) const {
  dispatch_float(range.dtype, "sgd", [&](auto zero) {
    using T = decltype(zero);
    T* p = range.parameter<T>();
    const T* grad = range.gradient<T>();
    const T lr = static_cast<T>(range.lr), decay = static_cast<T>(range.weight_decay);
    if (options_.momentum == 0) {
      for (std::int64_t i = 0; i < range.count; ++i) p[i] -= lr * (grad[i] + decay * p[i]);
      return;
    }
    const T momentum = static_cast<T>(options_.momentum);
    const T fresh = range.step == 1 ? T{1} : static_cast<T>(1 - options_.dampening);
    const T ahead = options_.nesterov ? momentum : T{1}, direct = options_.nesterov ? T{1} : T{0};
    T* buffer = range.state<T>(0);
    for (std::int64_t i = 0; i < range.count; ++i) {
      const T g = grad[i] + decay * p[i];
      buffer[i] = momentum * buffer[i] + fresh * g;
      p[i] -= lr * (direct * g + ahead * buffer[i]);
    }
  });
}

}  // namespace tessera
