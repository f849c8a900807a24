#include <tessera/optim/state_entry.hpp>

namespace tessera {

Tensor state_entry(std::string_view owner, const StateDict& values, const std::string& key, const Shape& shape) {
  const auto found = values.find(key);
  if (found == values.end()) raise<ValueError>(owner, "the state to load has no {}", key);
  if (found->second.shape() != shape)
    raise<ShapeError>(owner, "expected {} of shape {} in the state to load, got {}", key, shape.str(),
                      found->second.shape().str());
  return found->second.detach();
}

}  // namespace tessera
