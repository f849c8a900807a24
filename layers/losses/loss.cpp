#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/layers/losses/loss.hpp>

namespace tessera {

Tensor Loss::mean() const { return weight > 0 ? sum / weight : sum * 0.0; }

Loss operator+(const Loss& a, const Loss& b) {
  const double weight = a.weight > 0 ? a.weight : b.weight;
  return {(a.mean() + b.mean()) * weight, weight};
}

Loss operator*(double factor, const Loss& loss) { return {loss.sum * factor, loss.weight}; }

}  // namespace tessera
