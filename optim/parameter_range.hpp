#pragma once

#include <array>
#include <cstdint>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Elements of one parameter, with all that an update needs: what an optimizer sees of the model.
class ParameterRange {
 public:
  static constexpr std::size_t max_states = 3;

  DType dtype = f32;
  std::int64_t begin = 0;
  std::int64_t count = 0;
  std::int64_t step = 0;  ///< this parameter's updates so far, this one included
  double lr = 0;
  double weight_decay = 0;

  template <class T>
  T* parameter() const {
    return static_cast<T*>(parameter_) + begin;
  }
  template <class T>
  const T* gradient() const {
    return static_cast<const T*>(gradient_) + begin;
  }
  /// The optimizer's own numbers, in the order of its state_names(); zeros before the first step.
  template <class T>
  T* state(std::size_t index) const {
    return static_cast<T*>(states_[index]) + begin;
  }

 private:
  friend class Optimizer;
  void* parameter_ = nullptr;
  const void* gradient_ = nullptr;
  std::array<void*, max_states> states_{};
};

}  // namespace tessera
