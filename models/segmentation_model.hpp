#pragma once

#include <string>
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
  /// "at least 8", "multiples of 4", "multiples of 8 from 16 on"
  std::string str() const;
};

/// Height and width of [N, H, W, C].
inline Size2D image_size(const Tensor& x) { return {x.size(1), x.size(2)}; }

/// ShapeError, from `model`, unless x is [N, H, W, in_channels] with H and W among `sizes`: names the nearest of those.
void check_model_input(std::string_view model, const Tensor& x, std::int64_t in_channels, const InputSizes& sizes);

/// A network that scores every class at every pixel: [N, H, W, in_channels] -> [N, H, W, classes].
class SegmentationModel : public Layer {
 public:
  /// Training and prediction pad images to these; the model itself refuses others.
  const InputSizes& input_sizes() const { return sizes_; }
  std::int64_t in_channels() const { return in_channels_; }
  std::int64_t classes() const { return classes_; }

 protected:
  /// `name` begins the model's errors; ValueError for less than one channel or class.
  SegmentationModel(std::string name, std::int64_t in_channels, std::int64_t classes, const InputSizes& sizes);
  void check_input(const Tensor& image) const { check_model_input(name_, image, in_channels_, sizes_); }

 private:
  std::string name_;
  std::int64_t in_channels_, classes_;
  InputSizes sizes_;
};

}  // namespace tessera
