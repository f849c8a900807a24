#pragma once

#include <tessera/core/conv_geometry.hpp>
#include <tessera/data/augmentation.hpp>

namespace tessera {

struct WarpOptions {
  Size2D size{};         ///< of the window; the image's own where it is 0
  double min_scale = 1;  ///< the image is first made this many times its size, by a factor drawn from here ...
  double max_scale = 1;  ///< ... to here
  double rotation = 0;   ///< largest angle to either side, in degrees
  double elastic = 0;    ///< typical way, in pixels, that a smooth random field moves a pixel (Ronneberger et al. 2015)
};

/// Scales, rotates and bends an image and cuts a window out of it at a random place, all in one resampling of the
/// window's pixels alone.
///
/// Pixels are points at their centres: those of images are bilinear, those of masks the nearest. What lies beyond the
/// image is padding; an image smaller than the window comes to lie anywhere in it. ValueError for scales or angles that
/// make no sense.
Transform random_warp(WarpOptions options);

}  // namespace tessera
