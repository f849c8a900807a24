#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace tessera {

/// Sizes of a tensor's axes, outermost first: at most eight, none negative, at most 2^62 elements in all.
class Shape {
 public:
  static constexpr std::int64_t max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes)
      : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);

  std::int64_t rank() const { return rank_; }
  std::int64_t numel() const;

  /// Size of an axis; a negative axis counts from the last. ShapeError where there is no such axis.
  std::int64_t size(std::int64_t axis) const { return sizes_[static_cast<std::size_t>(normalize_axis(axis))]; }
  std::int64_t operator[](std::int64_t axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](std::int64_t axis) { return sizes_[static_cast<std::size_t>(axis)]; }

  /// The axis as a number from 0 to rank - 1; negative ones count from the last. ShapeError where there is none.
  std::int64_t normalize_axis(std::int64_t axis) const;

  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }

  bool operator==(const Shape& other) const;

  /// "[8, 64, 64, 3]"
  std::string str() const;

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  std::int64_t rank_ = 0;
};

/// Shape that both operands stretch to, axes aligned at the end and sizes of 1 repeated; ShapeError names `op`.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

}  // namespace tessera
