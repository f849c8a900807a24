#pragma once

#include <tessera/optim/optimizer.hpp>

namespace tessera {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD.
///
/// g += weight_decay p; b = momentum b + (1 - dampening) g, at first b = g; p -= lr (nesterov ? g + momentum b : b).
/// ValueError for negative options, and for nesterov without momentum or with dampening.
class SGD final : public Optimizer {
 public:
  explicit SGD(ParameterGroups parameters, const SGDOptions& options = {});

 private:
  void update(const ParameterRange& range) const override;

  SGDOptions options_;
};

}  // namespace tessera
