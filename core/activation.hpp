#pragma once

#include <cstdint>

namespace tessera {

/// A pointwise activation as a small value: what layers take as `.activation` and ops apply.
struct Activation {
  enum class Kind : std::uint8_t {
    linear,
    relu,
    leaky_relu,
    elu,
    selu,
    gelu,
    silu,
    sigmoid,
    tanh,
    softplus,
    hard_swish
  };
  Kind kind = Kind::linear;
  double slope = 0;  ///< of the negative side: leaky_relu's factor, elu's alpha

  bool operator==(const Activation&) const = default;
};

namespace activation {

inline constexpr Activation linear{};
inline constexpr Activation relu{Activation::Kind::relu, 0};
inline constexpr Activation selu{Activation::Kind::selu, 0};
inline constexpr Activation gelu{Activation::Kind::gelu, 0};
inline constexpr Activation silu{Activation::Kind::silu, 0};
inline constexpr Activation sigmoid{Activation::Kind::sigmoid, 0};
inline constexpr Activation tanh{Activation::Kind::tanh, 0};
inline constexpr Activation softplus{Activation::Kind::softplus, 0};
inline constexpr Activation hard_swish{Activation::Kind::hard_swish, 0};
constexpr Activation leaky_relu(double slope = 0.2) { return {Activation::Kind::leaky_relu, slope}; }
constexpr Activation elu(double alpha = 1) { return {Activation::Kind::elu, alpha}; }

}  // namespace activation
}  // namespace tessera
