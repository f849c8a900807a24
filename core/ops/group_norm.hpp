#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

/// Group normalisation: y = gamma (x - mean) / sqrt(var + epsilon) + beta, where mean and var are those of one image's
/// group of neighbouring channels (Wu and He 2018).
///
/// x [N, ..., C]; gamma, beta [C] or undefined (1 and 0). groups = C is instance normalisation, groups = 1 layer
/// normalisation over an image. ShapeError where the groups do not divide the channels.
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& gamma, const Tensor& beta, double epsilon = 1e-5);

}  // namespace tessera
