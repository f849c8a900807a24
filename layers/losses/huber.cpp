#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/layers/losses/check_target.hpp>
#include <tessera/layers/losses/huber.hpp>

namespace tessera {

Loss huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& options) {
  check_target("huber_loss", prediction, target);
  if (!(options.delta > 0)) raise<ValueError>("huber_loss", "expected delta > 0, got {}", options.delta);
  const Tensor distance = abs(prediction - target);
  const Tensor near = clamp(distance, std::nullopt, options.delta);
  return {sum(near * (distance - near * 0.5)), static_cast<double>(distance.numel())};
}

}  // namespace tessera
