#pragma once

#include <tessera/optim/optimizer.hpp>

namespace tessera {

struct SGDOptions {
  double lr = 1e-3;         ///< learning rate
  double momentum = 0;      ///< part of the last change that goes on
  double dampening = 0;     ///< part of the gradient that the momentum leaves out
  double weight_decay = 0;  ///< times the parameter, added to its gradient
  bool nesterov = false;    ///< looks a step of the momentum ahead
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
