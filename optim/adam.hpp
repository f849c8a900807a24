#pragma once

#include <tessera/optim/optimizer.hpp>
#include <utility>

namespace tessera {

struct AdamOptions {
  double lr = 1e-3;                                ///< learning rate
  std::pair<double, double> betas = {0.9, 0.999};  ///< what stays of the averages of gradients and of their squares
  double eps = 1e-8;                               ///< added to the root of the squares
  double weight_decay = 0;                         ///< times the parameter, added to its gradient
  bool amsgrad = false;                            ///< divides by the largest average of squares so far
};

/// Adam (Kingma and Ba 2015), as torch.optim.Adam.
///
/// g += weight_decay p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// p -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps); amsgrad divides by the largest v so far (Reddi et al. 2018).
/// ValueError for options out of range.
class Adam : public Optimizer {
 public:
  explicit Adam(ParameterGroups parameters, const AdamOptions& options = {});

 protected:
  enum class Decay { of_gradient, of_parameter };
  Adam(std::string name, ParameterGroups parameters, const AdamOptions& options, Decay decay);

 private:
  void update(const ParameterRange& range) const override;

  AdamOptions options_;
  Decay decay_;
};

struct AdamWOptions {
  double lr = 1e-3;                                ///< learning rate
  std::pair<double, double> betas = {0.9, 0.999};  ///< what stays of the averages of gradients and of their squares
  double eps = 1e-8;                               ///< added to the root of the squares
  double weight_decay = 1e-2;                      ///< times lr: the part of the parameter that a step takes off
  bool amsgrad = false;                            ///< divides by the largest average of squares so far
};

/// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019), as torch.optim.AdamW.
///
/// p *= 1 - lr weight_decay, then Adam's update without weight decay.
class AdamW final : public Adam {
 public:
  explicit AdamW(ParameterGroups parameters, const AdamWOptions& options = {});
};

}  // namespace tessera
