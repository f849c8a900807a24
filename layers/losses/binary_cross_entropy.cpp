#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/layers/losses/binary_cross_entropy.hpp>
#include <tessera/layers/losses/check_target.hpp>

namespace tessera {

Loss binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                      const BinaryCrossEntropyOptions& options) {
  constexpr std::string_view op = "binary_cross_entropy_with_logits";
  const Tensor truth = is_float(target.dtype()) ? target : target.to(logits.dtype());
  check_target(op, logits, truth);
  const auto weights = static_cast<std::int64_t>(options.pos_weight.size());
  if (weights > 1 && (logits.rank() == 0 || weights != logits.size(-1)))
    raise<ValueError>(op, "expected one pos_weight, or one for each channel of logits {}, got {}", logits.shape().str(),
                      weights);
  const Tensor nll = softplus(neg(logits));  // -log sigmoid(x); -log(1 - sigmoid(x)) is that plus x
  const auto count = static_cast<double>(logits.numel());
  if (weights == 0) return {sum((1.0 - truth) * logits + nll), count};
  const Tensor pos_weight = Tensor::from(options.pos_weight, {weights}).to(logits.dtype());
  return {sum((1.0 - truth) * logits + ((pos_weight - 1.0) * truth + 1.0) * nll), count};
}

}  // namespace tessera
