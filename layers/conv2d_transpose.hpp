#pragma once

#include <optional>
#include <tessera/core/activation.hpp>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/layers/data_format.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

struct Conv2DTransposeOptions {
  std::int64_t in_channels = 0;                         ///< channels of the input; required
  std::int64_t filters = 0;                             ///< channels of the output; required
  Size2D kernel_size = 0;                               ///< height and width, or one number; required
  Size2D strides = 1;                                   ///< output pixels from one input's tile to the next
  Padding padding = valid;                              ///< what is cropped: valid, same, a number, or one a side
  std::optional<Size2D> output_padding = std::nullopt;  ///< extra rows and columns at the end; none is not 0
  DataFormat data_format = channels_last;               ///< channels_first permutes at the border
  Size2D dilation_rate = 1;                             ///< distance between neighbouring taps
  std::int64_t groups = 1;                              ///< in_channels for a depthwise one
  Activation activation = {};                           ///< applied after the bias
  bool use_bias = true;                                 ///< adds a number to each output channel
  Initializer kernel_initializer = initializer::glorot_uniform();  ///< first values of the kernel
  Initializer bias_initializer = initializer::zeros();             ///< first values of the bias
  Regularizer kernel_regularizer = {};                             ///< what regularization(model) adds for the kernel
  Regularizer bias_regularizer = {};                               ///< the same for the bias
  Regularizer activity_regularizer = {};                           ///< what an ActivityPenalty adds for the output
  Constraint kernel_constraint = {};                               ///< applied to the kernel after each update
  Constraint bias_constraint = {};                                 ///< the same for the bias
};

/// Transposed convolution, learned upsampling: each input pixel lays a tile, the kernel times its value, on the output.
///
/// [N, H, W, in_channels] -> [N, H', W', filters], H' = (H - 1) stride + K less the crops, K = (k - 1) dilation + 1;
/// `same` without output_padding: H stride. Keras' options and defaults; beyond them groups, explicit paddings, strides
/// together with dilation, and an output size at call time. Parameters: kernel [kh, kw, filters / groups, in_channels],
/// bias [filters]. ValueError for options that are missing or do not fit together, ShapeError for an input that does
/// not fit.
class Conv2DTranspose : public Layer {
 public:
  explicit Conv2DTranspose(Conv2DTransposeOptions options);
  Tensor forward(const Tensor& x) override { return run(x, std::nullopt, options_.activation); }
  /// With an output of this height and width: any from the smallest to stride - 1 more, as a skip connection may ask
  /// for.
  Tensor forward(const Tensor& x, Size2D output_size) { return run(x, output_size, options_.activation); }

  using Layer::operator();
  Tensor operator()(const Tensor& x, Size2D output_size) {
    const ModuleCall call(*this);
    return forward(x, output_size);
  }
  /// The same with this activation in place of the layer's own.
  Tensor with_activation(const Tensor& x, Activation activation) {
    const ModuleCall call(*this);
    return run(x, std::nullopt, activation);
  }
  const Conv2DTransposeOptions& options() const { return options_; }

 private:
  Tensor run(const Tensor& x, std::optional<Size2D> output_size, Activation activation);

  Conv2DTransposeOptions options_;
  Tensor kernel_;
};

}  // namespace tessera
