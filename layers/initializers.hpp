#pragma once

#include <cstdint>
#include <functional>
#include <tessera/core/random.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Gives a parameter its first values, taking random numbers from `stream`; a function of the two and the shape alone.
using Initializer = std::function<void(Tensor& parameter, const RandomStream& stream)>;

/// Numbers of inputs and outputs that one weight serves, by Keras' rule: shape [in, out] as it stands; of a kernel
/// [kh, kw, a, b] in = kh kw a, out = kh kw b. For Conv2DTranspose's kernel [kh, kw, out / groups, in] the names are
/// therefore exchanged, as they are in Keras.
struct Fans {
  double in = 1;
  double out = 1;
};
Fans fans_of(const Shape& shape);

namespace initializer {

Initializer constant(double value);
inline Initializer zeros() { return constant(0); }
inline Initializer ones() { return constant(1); }
/// Uniform in [low, high).
Initializer uniform(double low = -0.05, double high = 0.05);
Initializer normal(double mean = 0, double deviation = 0.05);
/// Normal, drawn again where it lies more than two deviations from the mean.
Initializer truncated_normal(double mean = 0, double deviation = 0.05);

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Initializer glorot_uniform();
/// Truncated normal of variance 2 / (fan_in + fan_out), truncation accounted for as in Keras.
Initializer glorot_normal();
/// Uniform in +-sqrt(6 / fan_in) (He et al. 2015).
Initializer he_uniform();
/// Truncated normal of variance 2 / fan_in, truncation accounted for as in Keras.
Initializer he_normal();

/// Bilinear interpolation as the start of learned upsampling (FCN, Long et al. 2015), for Conv2DTranspose.
///
/// Kernel [kh, kw, out / groups, in]: output channel i is made of input channel i alone. ShapeError unless there are as
/// many outputs as inputs, or one a group. Upsampling by f takes kernel_size 2 f - f % 2, strides f, `same`.
Initializer bilinear();

/// For a convolution before depth_to_space(block): the block * block sub-pixels of a channel start with one kernel,
/// drawn by `inner`, so that there is no checkerboard at first (ICNR, Aitken et al. 2017).
Initializer icnr(std::int64_t block, Initializer inner = he_normal());

}  // namespace initializer
}  // namespace tessera
