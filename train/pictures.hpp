#pragma once

#include <tessera/core/tensor.hpp>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// Colours that tell `classes` classes apart: class 0 is black, further ones go round the colour circle.
std::vector<Rgb> class_colors(std::int64_t classes);
/// The same for classes that have no colour in the masks' encoding or in `labels.colors`, in this order.
std::vector<Rgb> class_colors(const Labels& labels);

/// A mask [H, W] (i32) in the colours of its classes, as u8 [H, W, 3]; labels without a colour, such as the ignored
/// one, are light grey.
Tensor colored(const Tensor& mask, const std::vector<Rgb>& colors);

/// An image [H, W, C] of 0 to 1 (f32) as it is seen: u8 [H, W, 3], an alpha channel left out.
Tensor visible(const Tensor& image);

/// The image under half-transparent class colours, u8 [H, W, 3]; class 0 leaves the image as it is.
Tensor overlay(const Tensor& image, const Tensor& mask, const std::vector<Rgb>& colors);

/// Where the prediction is wrong, in red over the image in pale grey, u8 [H, W, 3]; ignored pixels are light.
Tensor error_map(const Tensor& image, const Tensor& truth, const Tensor& prediction, std::int32_t ignore_index);

/// A picture (u8 [H, W, 3]) made smaller by a whole factor until no side is longer than `side`: every pixel the mean of
/// those it stands for.
Tensor shrunk(const Tensor& picture, std::int64_t side);
/// The same where every pixel is one of those it stands for, so that no colour is new.
Tensor shrunk_nearest(const Tensor& picture, std::int64_t side);

/// Pictures of one size (u8 [H, W, 3]) side by side with a thin white gap, enlarged by a whole factor until each is at
/// least `width` wide.
Tensor side_by_side(const std::vector<Tensor>& pictures, std::int64_t width = 256);

}  // namespace tessera
