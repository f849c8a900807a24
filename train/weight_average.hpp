#pragma once

#include <tessera/core/parameter.hpp>
#include <tessera/layers/module.hpp>

namespace tessera {

/// The exponential moving average of a network's weights, often better than the weights of any one step.
///
/// After update t, counted from 1: average += (1 - d) (weights - average), d = min(decay, (1 + t) / (10 + t)), so that
/// the first values are soon forgotten. Normalisation's running statistics are averaged in the same way; buffers of
/// integers are copied. Source: tf.train.ExponentialMovingAverage; Polyak and Juditsky 1992.
class WeightAverage {
 public:
  /// Begins at the model's own numbers. The model must outlive the average; ValueError unless 0 < decay < 1.
  WeightAverage(const Module& model, double decay);

  void update(std::int64_t step);
  /// Exchanges the model's numbers with the averages, or back.
  void exchange();

  /// Handles to the numbers that are not in the model now.
  const StateDict& values() const { return values_; }
  void load_state_dict(const StateDict& values);

 private:
  StateDict model_;
  StateDict values_;
  double decay_;
};

}  // namespace tessera
