#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// What a loss gives: a sum and what it counts as, so that several batches or machines can be averaged rightly.
///
/// A mean over parts is (sum of their sums) / (sum of their weights). Backpropagate from `mean()`.
struct Loss {
  Tensor sum;         ///< []
  double weight = 0;  ///< pixels, elements or class weights that `sum` is over

  /// sum / weight, or 0 where nothing counts.
  Tensor mean() const;
};

/// The loss whose mean is the means' sum. It counts as `a`, or as `b` where nothing counts in `a`.
Loss operator+(const Loss& a, const Loss& b);
Loss operator*(double factor, const Loss& loss);

}  // namespace tessera
