#pragma once

#include <tessera/layers/losses/loss.hpp>
#include <vector>

namespace tessera {

struct BinaryCrossEntropyOptions {
  std::vector<double> pos_weight = {};  ///< factor of the positive truths: one, or one a channel; empty: 1
};

/// Binary cross-entropy of sigmoid(logits): -(w t log s(x) + (1 - t) log(1 - s(x))), w = pos_weight, finite for every
/// x.
///
/// logits [..., channels]; target of the same shape with truths from 0 to 1, of the logits' type, u8 or i32; the weight
/// is the number of elements. As torch.nn.functional.binary_cross_entropy_with_logits. ShapeError, ValueError where the
/// target or the number of weights does not fit.
Loss binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                      const BinaryCrossEntropyOptions& options = {});

}  // namespace tessera
