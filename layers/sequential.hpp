#pragma once

#include <tessera/layers/layer.hpp>

namespace tessera {

/// Layers one after the other: y = last(... second(first(x))).
///
/// `Sequential stack{Conv2D({...}), ReLU(), ...}` calls its children "0", "1", ...; `add(name, layer)` appends under a
/// name.
class Sequential : public Layer {
 public:
  template <std::derived_from<Layer>... Layers>
  requires(sizeof...(Layers) != 1 || !(std::same_as<Layers, Sequential> && ...)) explicit Sequential(Layers... layers) {
    (add(std::to_string(size()), std::move(layers)), ...);
  }

  template <std::derived_from<Layer> Child>
  Child add(const std::string& name, Child child) {
    Module::add(name, child);
    layers_->push_back(std::make_shared<Child>(child));
    return child;
  }

  std::size_t size() const { return layers_->size(); }

  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const auto& layer : *layers_) y = (*layer)(y);
    return y;
  }

 private:
  // Shared, so that a copy, which is the same module, has the same layers.
  std::shared_ptr<std::vector<std::shared_ptr<Layer>>> layers_ =
      std::make_shared<std::vector<std::shared_ptr<Layer>>>();
};

}  // namespace tessera
