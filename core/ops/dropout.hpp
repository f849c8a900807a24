#pragma once

#include <tessera/core/random.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Sets each element to 0 with probability `rate` and divides the others by 1 - rate, so that the mean stays.
///
/// Element i of x is dropped where element i of `random` is below the rate: backward draws the same mask again.
/// ValueError unless 0 <= rate < 1. Source: Srivastava et al. 2014.
Tensor dropout(const Tensor& x, double rate, const RandomStream& random);

/// The same for whole channels of an image (spatial dropout): x [N, ..., C], element n C + c of `random` decides.
Tensor dropout2d(const Tensor& x, double rate, const RandomStream& random);

}  // namespace tessera
