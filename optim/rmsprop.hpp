#pragma once

#include <tessera/optim/optimizer.hpp>

namespace tessera {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
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
