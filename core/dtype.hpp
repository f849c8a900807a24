#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tessera/core/error.hpp>
#include <type_traits>

namespace tessera {

/// Element type of a Tensor: two float types for numbers, two integer types for labels and images.
enum class DType : std::uint8_t { f32, f64, i32, u8 };

inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType i32 = DType::i32;
inline constexpr DType u8 = DType::u8;

template <class T>
concept Element = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int32_t> ||
    std::is_same_v<T, std::uint8_t>;

template <Element T>
inline constexpr DType dtype_of = std::is_same_v<T, float>          ? DType::f32
                                  : std::is_same_v<T, double>       ? DType::f64
                                  : std::is_same_v<T, std::int32_t> ? DType::i32
                                                                    : DType::u8;

constexpr bool is_float(DType dtype) { return dtype == f32 || dtype == f64; }

constexpr std::size_t size_of(DType dtype) { return dtype == f64 ? 8 : dtype == u8 ? 1 : 4; }

constexpr std::string_view name_of(DType dtype) {
  constexpr std::string_view names[] = {"f32", "f64", "i32", "u8"};
  return names[static_cast<std::size_t>(dtype)];
}

/// Calls `f(T{})` with the float type that `dtype` stands for; ValueError names `op` for an integer type.
template <class F>
decltype(auto) dispatch_float(DType dtype, std::string_view op, F&& f) {
  if (dtype == f32) return f(float{});
  if (dtype == f64) return f(double{});
  raise<ValueError>(op, "expected a float tensor (f32 or f64), got {}", name_of(dtype));
}

/// Calls `f(T{})` with the element type that `dtype` stands for.
template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::u8:
      break;
  }
  return f(std::uint8_t{});
}

}  // namespace tessera
