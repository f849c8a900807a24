#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/layers/losses/check_target.hpp>
#include <tessera/layers/losses/l1.hpp>

namespace tessera {

Loss l1_loss(const Tensor& prediction, const Tensor& target) {
  check_target("l1_loss", prediction, target);
  const Tensor error = prediction - target;
  return {sum(abs(error)), static_cast<double>(error.numel())};
}

}  // namespace tessera
