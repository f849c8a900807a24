#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

struct DropoutOptions {
  double rate = 0.5;  ///< probability that a number is dropped: 0 or more, below 1
};

/// In training sets each number to 0 with probability `rate` and divides the others by 1 - rate; else passes x on.
///
/// What is dropped is a function of the seed, the layer's path and how often it drew: the buffer draws, which is saved
/// with the weights, so that a run goes on as it would have.
class Dropout : public Layer {
 public:
  explicit Dropout(DropoutOptions options = {});
  Tensor forward(const Tensor& x) override;

 private:
  double rate_;
  Tensor draws_;
};

/// The same for whole channels of an image (spatial dropout, Tompson et al. 2015).
class Dropout2D : public Layer {
 public:
  explicit Dropout2D(DropoutOptions options = {});
  Tensor forward(const Tensor& x) override;

 private:
  double rate_;
  Tensor draws_;
};

}  // namespace tessera
