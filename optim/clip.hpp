#pragma once

#include <tessera/core/parameter.hpp>
#include <vector>

namespace tessera {

/// The Euclidean norm of all gradients together, summed in double, in the same order on any number of threads.
double grad_norm(const std::vector<Parameter>& parameters);

/// Scales all gradients by max_norm / norm where their common Euclidean norm is larger, and returns the norm before.
///
/// As torch.nn.utils.clip_grad_norm_ (1e-6 is added to the norm); summed in double, in the same order on any number of
/// threads. ValueError for a negative max_norm.
double clip_grad_norm(const std::vector<Parameter>& parameters, double max_norm);

/// Multiplies all gradients by a factor.
void scale_grad(const std::vector<Parameter>& parameters, double factor);

/// Clamps every element of every gradient to -clip_value .. clip_value; ValueError for a negative clip_value.
void clip_grad_value(const std::vector<Parameter>& parameters, double clip_value);

}  // namespace tessera
