#pragma once

#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

class Module;

/// A penalty on the size of numbers w, Keras' rule: l1 * sum |w| + l2 * sum w^2; none where both are 0.
struct Regularizer {
  double l1 = 0;
  double l2 = 0;

  explicit operator bool() const { return l1 != 0 || l2 != 0; }
  bool operator==(const Regularizer&) const = default;
  /// The penalty for w, a scalar. Differentiable.
  Tensor operator()(const Tensor& w) const;
};

namespace regularizer {
constexpr Regularizer l1(double factor = 0.01) { return {.l1 = factor}; }
constexpr Regularizer l2(double factor = 0.01) { return {.l2 = factor}; }
constexpr Regularizer l1_l2(double l1 = 0, double l2 = 0) { return {.l1 = l1, .l2 = l2}; }
}  // namespace regularizer

/// Sum of the penalties of all parameters that have a regularizer: a scalar to add to the loss.
Tensor regularization(const Module& model);

/// Collects the outputs that layers with an activity_regularizer make while the object lives, on this thread; scopes
/// nest, the innermost collects.
class ActivityPenalty {
 public:
  ActivityPenalty();
  ~ActivityPenalty();
  ActivityPenalty(const ActivityPenalty&) = delete;
  ActivityPenalty& operator=(const ActivityPenalty&) = delete;

  /// The penalty for what has been collected so far, divided by the batch size as in Keras: a scalar to add to the
  /// loss.
  Tensor total() const;

 private:
  friend void add_activity_penalty(const Regularizer& regularizer, const Tensor& output);
  std::vector<Tensor> outputs_;
  std::vector<Regularizer> regularizers_;
  ActivityPenalty* before_;
};

/// What a layer calls with its output; does nothing outside of an ActivityPenalty or without a regularizer.
void add_activity_penalty(const Regularizer& regularizer, const Tensor& output);

}  // namespace tessera
