#pragma once

#include <tessera/core/activation.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// y = f(x), elementwise: any Activation as a layer of its own.
class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(Activation activation) : activation_(activation) {}
  Tensor forward(const Tensor& x) override { return activate(x, activation_); }

 private:
  Activation activation_;
};

struct ReLU : ActivationLayer {
  ReLU() : ActivationLayer(activation::relu) {}
};
struct LeakyReLU : ActivationLayer {
  explicit LeakyReLU(double slope = 0.2) : ActivationLayer(activation::leaky_relu(slope)) {}
};
struct ELU : ActivationLayer {
  explicit ELU(double alpha = 1) : ActivationLayer(activation::elu(alpha)) {}
};
struct SELU : ActivationLayer {
  SELU() : ActivationLayer(activation::selu) {}
};
struct GELU : ActivationLayer {
  GELU() : ActivationLayer(activation::gelu) {}
};
struct SiLU : ActivationLayer {
  SiLU() : ActivationLayer(activation::silu) {}
};
struct Sigmoid : ActivationLayer {
  Sigmoid() : ActivationLayer(activation::sigmoid) {}
};
struct Tanh : ActivationLayer {
  Tanh() : ActivationLayer(activation::tanh) {}
};
struct Softplus : ActivationLayer {
  Softplus() : ActivationLayer(activation::softplus) {}
};
struct HardSwish : ActivationLayer {
  HardSwish() : ActivationLayer(activation::hard_swish) {}
};

}  // namespace tessera
