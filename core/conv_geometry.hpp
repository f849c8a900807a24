#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tessera/core/shape.hpp>
#include <tessera/core/trace.hpp>

namespace tessera {

/// A height and a width; one number stands for both.
struct Size2D {
  std::int64_t height = 0;
  std::int64_t width = 0;

  constexpr Size2D() = default;
  constexpr Size2D(std::int64_t both) : height(both), width(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Size2D(std::int64_t height_, std::int64_t width_) : height(height_), width(width_) {}
  bool operator==(const Size2D&) const = default;

  /// "3" or "5x3"
  std::string str() const;
};

/// Pixels on each side of an image: padding of a convolution's input, or what a transposed one crops off its output.
/// Nobody asks for a negative number; a transposed geometry holds one where zeros are appended instead of cropping.
struct Sides {
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  std::int64_t left = 0;
  std::int64_t right = 0;
  bool operator==(const Sides&) const = default;
};

/// What `.padding` takes: `valid`, `same`, a number for all sides, or one for each side.
struct Padding {
  enum class Kind : std::uint8_t { valid, same, sides };
  Kind kind = Kind::valid;
  Sides sides{};

  constexpr Padding() = default;
  constexpr explicit Padding(Kind kind_) : kind(kind_) {}
  constexpr Padding(std::int64_t all) : Padding(Sides{all, all, all, all}) {}  // NOLINT(google-explicit-constructor)
  constexpr Padding(Sides sides_) : kind(Kind::sides), sides(sides_) {}        // NOLINT(google-explicit-constructor)
  bool operator==(const Padding&) const = default;
};

inline constexpr Padding valid{Padding::Kind::valid};
inline constexpr Padding same{Padding::Kind::same};

/// Options of the convolution op, in the field's own words.
struct ConvOptions {
  Size2D strides = 1;
  Padding padding = valid;
  Size2D dilation_rate = 1;
  std::int64_t groups = 1;
};

/// Options of the transposed convolution op.
struct ConvTransposeOptions {
  Size2D strides = 1;
  Padding padding = valid;
  std::optional<Size2D> output_padding = std::nullopt;  ///< none is not 0: it lets `same` give input * strides
  Size2D dilation_rate = 1;
  std::int64_t groups = 1;
  std::optional<Size2D> output_size = std::nullopt;  ///< asks for this size; takes the place of output_padding
};

/// Every size of one convolution: all output-size arithmetic of the library lives in the two functions that make it.
///
/// Output pixel o of an axis reads input pixels o * stride - pad_begin + tap * dilation. A transposed convolution is
/// the convolution read backwards: its input is this geometry's output, its output this geometry's input, its crop the
/// padding.
struct ConvGeometry {
  std::int64_t batch = 0;
  Size2D input, output;
  std::int64_t in_channels = 0, out_channels = 0;
  Size2D kernel, stride = 1, dilation = 1;
  std::int64_t groups = 1;
  Sides pad;

  Shape input_shape() const { return {batch, input.height, input.width, in_channels}; }
  Shape output_shape() const { return {batch, output.height, output.width, out_channels}; }
  Shape kernel_shape() const { return {kernel.height, kernel.width, in_channels / groups, out_channels}; }
  /// Height and width that the dilated kernel spans: (k - 1) * d + 1.
  Size2D span() const { return {(kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1}; }
  /// Multiplications of one pass over the batch.
  std::int64_t multiply_adds() const;
  /// kernel_size, strides, pads, dilation_rate, groups, as traces list them.
  Attributes attributes() const;
};

/// Geometry of a convolution: out = floor((n + pad - K) / s) + 1; `same`: ceil(n / s), the odd pixel at the end.
/// Shapes: input [N, H, W, C], kernel [kh, kw, C / groups, filters]. ShapeError names `op` and the sizes that do not
/// fit.
ConvGeometry conv2d_geometry(const Shape& input, const Shape& kernel, const ConvOptions& options,
                             const char* op = "conv2d");

/// Mirrored geometry of a transposed convolution: natural output (n - 1) s + K, less the crops of docs/design.md (3).
/// Shapes: input [N, H, W, C], kernel [kh, kw, filters / groups, C]. The op's output is the geometry's input.
ConvGeometry conv2d_transpose_geometry(const Shape& input, const Shape& kernel, const ConvTransposeOptions& options);

}  // namespace tessera
