#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/layers/losses/check_target.hpp>
#include <tessera/layers/losses/mse.hpp>

namespace tessera {

Loss mse_loss(const Tensor& prediction, const Tensor& target) {
  check_target("mse_loss", prediction, target);
  const Tensor error = prediction - target;
  return {sum(error * error), static_cast<double>(error.numel())};
}

}  // namespace tessera
