#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/layers/constraints.hpp>

namespace tessera::constraint {
namespace {

/// Distance between neighbours along each axis in the table of norms: 0 along the axes a norm goes over.
struct NormTable {
  NormTable(const Shape& shape, const std::vector<std::int64_t>& axes) : shape(shape), steps(8, 0) {
    for (std::int64_t axis = shape.rank() - 1; axis >= 0; --axis) {
      const bool reduced = std::any_of(axes.begin(), axes.end(),
                                       [&](std::int64_t given) { return shape.normalize_axis(given) == axis; });
      if (reduced) continue;
      steps[static_cast<std::size_t>(axis)] = size;
      size *= shape[axis];
    }
  }

  std::size_t slot(std::int64_t element) const {
    std::int64_t position = 0;
    for (std::int64_t axis = shape.rank() - 1; axis >= 0; --axis) {
      position += element % shape[axis] * steps[static_cast<std::size_t>(axis)];
      element /= shape[axis];
    }
    return static_cast<std::size_t>(position);
  }

  Shape shape;
  std::vector<std::int64_t> steps;
  std::int64_t size = 1;
};

/// w *= desired(norm) / (norm + epsilon)
template <class Desired>
void scale_to_norm(Tensor& w, const std::vector<std::int64_t>& axes, const Desired& desired) {
  constexpr double epsilon = 1e-7;
  const NormTable table(w.shape(), axes);
  dispatch_float(w.dtype(), "constraint", [&](auto zero) {
    using T = decltype(zero);
    T* values = w.mutable_data<T>();
    std::vector<double> factors(static_cast<std::size_t>(table.size), 0.0);
    for (std::int64_t i = 0; i < w.numel(); ++i) factors[table.slot(i)] += double{values[i]} * double{values[i]};
    for (double& factor : factors) {
      const double norm = std::sqrt(factor);
      factor = desired(norm) / (norm + epsilon);
    }
    for (std::int64_t i = 0; i < w.numel(); ++i) values[i] = static_cast<T>(values[i] * factors[table.slot(i)]);
  });
}

}  // namespace

Constraint max_norm(double max_value, std::vector<std::int64_t> axes) {
  return [max_value, axes = std::move(axes)](Tensor& w) {
    scale_to_norm(w, axes, [=](double norm) { return std::min(norm, max_value); });
  };
}

Constraint non_neg() {
  return [](Tensor& w) {
    dispatch_float(w.dtype(), "constraint", [&](auto zero) {
      using T = decltype(zero);
      T* values = w.mutable_data<T>();
      for (std::int64_t i = 0; i < w.numel(); ++i) values[i] = std::max(values[i], T{0});
    });
  };
}

Constraint unit_norm(std::vector<std::int64_t> axes) {
  return [axes = std::move(axes)](Tensor& w) { scale_to_norm(w, axes, [](double) { return 1.0; }); };
}

Constraint min_max_norm(double min_value, double max_value, double rate, std::vector<std::int64_t> axes) {
  if (min_value > max_value)
    raise<ValueError>("min_max_norm", "min_value {} lies above max_value {}", min_value, max_value);
  return [=, axes = std::move(axes)](Tensor& w) {
    scale_to_norm(w, axes,
                  [=](double norm) { return rate * std::clamp(norm, min_value, max_value) + (1 - rate) * norm; });
  };
}

}  // namespace tessera::constraint
