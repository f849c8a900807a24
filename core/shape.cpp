#include <fmt/ranges.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/core/shape.hpp>

namespace tessera {

Shape::Shape(std::span<const std::int64_t> sizes) {
  if (sizes.size() > max_rank) raise<ShapeError>("shape", "expected at most {} axes, got {}", max_rank, sizes.size());
  rank_ = static_cast<std::int64_t>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  constexpr std::int64_t limit = std::int64_t{1} << 62;
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) {
    if (size < 0) raise<ShapeError>("shape", "expected sizes of 0 or more, got {}", str());
    if (size != 0 && count > limit / size) raise<ShapeError>("shape", "{} has more than 2^62 elements", str());
    count *= size;
  }
}

std::int64_t Shape::numel() const {
  std::int64_t count = 1;
  for (const std::int64_t size : *this) count *= size;
  return count;
}

std::int64_t Shape::normalize_axis(std::int64_t axis) const {
  if (axis < -rank_ || axis >= rank_)
    raise<ShapeError>("shape", "axis {} does not exist in {}: expected {} to {}", axis, str(), -rank_, rank_ - 1);
  return axis < 0 ? axis + rank_ : axis;
}

bool Shape::operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  const std::int64_t rank = std::max(a.rank(), b.rank());
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t from_a = axis - (rank - a.rank()), from_b = axis - (rank - b.rank());
    const std::int64_t size_a = from_a < 0 ? 1 : a[from_a], size_b = from_b < 0 ? 1 : b[from_b];
    if (size_a != size_b && size_a != 1 && size_b != 1)
      raise<ShapeError>(op, "shapes {} and {} do not broadcast: sizes {} and {} differ and neither is 1", a.str(),
                        b.str(), size_a, size_b);
    sizes[static_cast<std::size_t>(axis)] = size_a == 1 ? size_b : size_a;
  }
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
}

}  // namespace tessera
