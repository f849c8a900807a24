#pragma once

#include <string_view>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// Which heights and widths a network takes: multiples of one number, from a smallest one on.
struct InputSizes {
  std::int64_t multiple = 1;
  std::int64_t smallest = 1;  ///< itself a multiple

  bool hold(Size2D size) const;
  /// The valid size closest to this one.
  Size2D nearest(Size2D size) const;
  /// The smallest valid size that this one fits into: what images are padded to.
  Size2D enlarged(Size2D size) const;
  /// "multiples of 4 from 8 on"
  std::string str() const;
};

/// A network that gives each pixel a score for every class: [N, H, W, in_channels] -> [N, H, W, classes].
class SegmentationModel : public Layer {
 public:
  /// Training and prediction pad to these; the model itself refuses others.
  virtual InputSizes input_sizes() const = 0;
};

/// ShapeError, from `model`, unless x is [N, H, W, in_channels] with H and W among `sizes`; names the nearest valid
/// size.
void check_model_input(std::string_view model, const Tensor& x, std::int64_t in_channels, const InputSizes& sizes);

/// ValueError, from `model`, for an option below `smallest`.
void check_model_option(std::string_view model, std::string_view option, std::int64_t value, std::int64_t smallest = 1);

/// Height and width of [N, H, W, C].
inline Size2D image_size(const Tensor& x) { return {x.size(1), x.size(2)}; }

}  // namespace tessera
