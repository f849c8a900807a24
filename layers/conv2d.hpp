#pragma once

#include <tessera/core/activation.hpp>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/layers/data_format.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

struct Conv2DOptions {
  std::int64_t in_channels = 0;                                    ///< channels of the input; required
  std::int64_t filters = 0;                                        ///< channels of the output; required
  Size2D kernel_size = 0;                                          ///< height and width, or one number; required
  Size2D strides = 1;                                              ///< input pixels from one output pixel to the next
  Padding padding = valid;                                         ///< valid, same, a number, or one for each side
  DataFormat data_format = channels_last;                          ///< channels_first permutes at the border
  Size2D dilation_rate = 1;                                        ///< distance between neighbouring taps
  std::int64_t groups = 1;                                         ///< in_channels for a depthwise convolution
  Activation activation = {};                                      ///< applied after the bias
  bool use_bias = true;                                            ///< adds a number to each output channel
  Initializer kernel_initializer = initializer::glorot_uniform();  ///< first values of the kernel
  Initializer bias_initializer = initializer::zeros();             ///< first values of the bias
  Regularizer kernel_regularizer = {};                             ///< what regularization(model) adds for the kernel
  Regularizer bias_regularizer = {};                               ///< the same for the bias
  Regularizer activity_regularizer = {};                           ///< what an ActivityPenalty adds for the output
  Constraint kernel_constraint = {};                               ///< applied to the kernel after each update
  Constraint bias_constraint = {};                                 ///< the same for the bias
};

/// Convolution with Keras' options and defaults, and with groups and explicit paddings beyond them.
///
/// [N, H, W, in_channels] -> [N, H', W', filters], H' = floor((H + padding - K) / stride) + 1, K = (k - 1) dilation +
/// 1; `same`: ceil(H / stride). Parameters: kernel [kh, kw, in_channels / groups, filters], bias [filters]. ValueError
/// for options that are missing or do not fit together, ShapeError for an input that does not fit.
class Conv2D : public Layer {
 public:
  explicit Conv2D(Conv2DOptions options);
  Tensor forward(const Tensor& x) override { return run({x}, options_.activation); }
  /// The same of images whose channels stand side by side (conv2d_concat), with this activation in place of the layer's
  /// own.
  Tensor with_activation(std::vector<Tensor> parts, Activation activation) {
    const ModuleCall call(*this);
    return run(std::move(parts), activation);
  }
  const Conv2DOptions& options() const { return options_; }

 private:
  Tensor run(std::vector<Tensor> parts, Activation activation);

  Conv2DOptions options_;
  Tensor kernel_;
};

}  // namespace tessera
