#pragma once

#include <tessera/optim/optimizer.hpp>

namespace tessera {

struct RMSpropOptions {
  double lr = 1e-2;         ///< learning rate
  double alpha = 0.99;      ///< what stays of the average of squared gradients
  double eps = 1e-8;        ///< added to the root of the average
  double weight_decay = 0;  ///< times the parameter, added to its gradient
  double momentum = 0;      ///< part of the last change that goes on
  bool centered = false;    ///< divides by the gradients' deviation instead of their size
};

/// RMSprop (Tieleman and Hinton 2012; centered: Graves 2013), as torch.optim.RMSprop.
///
/// g += weight_decay p; v = alpha v + (1 - alpha) g^2; a = alpha a + (1 - alpha) g;
/// u = g / (sqrt(centered ? v - a^2 : v) + eps); b = momentum b + u; p -= lr b. ValueError for options out of range.
class RMSprop final : public Optimizer {
 public:
  explicit RMSprop(ParameterGroups parameters, const RMSpropOptions& options = {});

 private:
  void update(const ParameterRange& range) const override;

  RMSpropOptions options_;
};

}  // namespace tessera
