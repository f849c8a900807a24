#pragma once

#include <cstdint>

// The passes of normalise + activate + 2x2 max-pool as one: forward reads its input once, backward twice, and what lies
// in between (normalised, activated, unpooled) is computed again instead of stored.
namespace tessera::kernels {

struct NormBlockGeometry {
  std::int64_t batch, height, width, channels;
  bool pool = false;     ///< by 2x2 windows; a last odd row or column is in none
  bool rectify = false;  ///< negative values times slope: relu and leaky_relu
  double slope = 0;
};

/// sums[c] = sum of (x - pivot[c]), squares[c] = sum of its squares; the pivot keeps large means from cancelling.
template <class T>
void norm_block_moments(const NormBlockGeometry&, const T* x, const T* pivot, double* sums, double* squares);

/// y = activate(scale x + shift), pooled = its windows' maxima; either may be null. Pixels of y lie `y_step` times
/// their channels apart.
template <class T>
void norm_block_forward(const NormBlockGeometry&, const T* x, const T* scale, const T* shift, T* y, T* pooled,
                        std::int64_t y_step = 1);

/// What backward reads: the input, the forward coefficients, and the gradients of y and of pooled, either of them null.
template <class T>
struct NormBlockGradients {
  const T *x, *scale, *shift;
  const T *grad_y, *grad_pooled;
};

/// With g the gradient of scale x + shift: sums[c] = sum of g, products[c] = sum of g (x - mean[c]).
template <class T>
void norm_block_backward_sums(const NormBlockGeometry&, const NormBlockGradients<T>&, const T* mean, double* sums,
                              double* products);

/// grad_x = grad_scale g + x_scale x + offset; may take the place of grad_y.
template <class T>
void norm_block_backward(const NormBlockGeometry&, const NormBlockGradients<T>&, const T* grad_scale, const T* x_scale,
                         const T* offset, T* grad_x);

}  // namespace tessera::kernels
