#include <tessera/layers/losses/check_target.hpp>

namespace tessera {

void check_target(std::string_view op, const Tensor& prediction, const Tensor& target) {
  if (prediction.shape() != target.shape())
    raise<ShapeError>(op, "expected a target of the prediction's shape {}, got {}", prediction.shape().str(),
                      target.shape().str());
  if (!is_float(prediction.dtype()) || prediction.dtype() != target.dtype())
    raise<ValueError>(op, "expected prediction and target of one float type, got {} and {}",
                      name_of(prediction.dtype()), name_of(target.dtype()));
}

}  // namespace tessera
