#pragma once

#include <cstdint>
#include <functional>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

/// Changes a parameter in place so that it satisfies a condition, such as a largest norm; empty where there is none.
using Constraint = std::function<void(Tensor& parameter)>;

/// Keras' constraints. Norms are Euclidean, over `axes` of the parameter: {0, 1, 2} of a Conv2D kernel for one norm a
/// filter, {0} of a Linear kernel for one an output. epsilon is Keras' 1e-7.
namespace constraint {

/// w * min(norm, max_value) / (norm + epsilon)
Constraint max_norm(double max_value = 2, std::vector<std::int64_t> axes = {0});
/// max(w, 0)
Constraint non_neg();
/// w / (norm + epsilon)
Constraint unit_norm(std::vector<std::int64_t> axes = {0});
/// w * (rate * clamp(norm, min_value, max_value) + (1 - rate) * norm) / (norm + epsilon)
Constraint min_max_norm(double min_value = 0, double max_value = 1, double rate = 1,
                        std::vector<std::int64_t> axes = {0});

}  // namespace constraint
}  // namespace tessera
