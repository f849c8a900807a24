#pragma once

namespace tessera {

/// A penalty on the size of numbers w: l1 * sum |w| + l2 * sum w^2; none where both are 0.
struct Regularizer {
  double l1 = 0;
  double l2 = 0;

  explicit operator bool() const { return l1 != 0 || l2 != 0; }
  bool operator==(const Regularizer&) const = default;
};

}  // namespace tessera
