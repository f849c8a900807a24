#pragma once

#include <string_view>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Throws unless `target` has the prediction's shape and both are float tensors of one type; errors begin with `op`.
void check_target(std::string_view op, const Tensor& prediction, const Tensor& target);

}  // namespace tessera
