#pragma once

#include <cstdint>

// The passes of group normalisation, which sees its input as N planes of H W rows; statistics and coefficients are
// [planes, channels], in double. Batch normalisation has passes of its own: norm_block.hpp.
namespace tessera::kernels {

struct NormGeometry {
  std::int64_t planes = 1;
  std::int64_t rows = 1;
  std::int64_t channels = 1;
  std::int64_t numel() const { return planes * rows * channels; }
};

/// sums[p, c] = sum over rows of a, products[p, c] = sum over rows of a * b. With b = a the first two moments.
template <class T>
void channel_products(const NormGeometry& geometry, const T* a, const T* b, double* sums, double* products);

/// y = scale[p, c] x + shift[p, c].
template <class T>
void scale_channels(const NormGeometry& geometry, const T* x, const double* scale, const double* shift, T* y);

/// grad_x = grad_scale[p, c] grad_y + x_scale[p, c] x + shift[p, c]: what backward of any normalisation comes down to.
template <class T>
void combine_channels(const NormGeometry& geometry, const T* grad_y, const T* x, const double* grad_scale,
                      const double* x_scale, const double* shift, T* grad_x);

}  // namespace tessera::kernels
