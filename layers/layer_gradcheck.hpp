#pragma once

#include <tessera/core/gradcheck.hpp>
#include <tessera/layers/layer.hpp>

namespace tessera {

/// Gradient check of a layer with respect to its input and all its parameters, in double: input 0 is x, the others are
/// the parameters in the order of `layer.parameters()`.
///
/// Every evaluation starts from the buffers as they are now, so that a layer that counts or draws repeats itself.
/// Afterwards the layer is as it was before. Errors: as gradcheck.
GradcheckReport gradcheck(Layer& layer, const Tensor& x, const GradcheckOptions& options = {});

}  // namespace tessera
