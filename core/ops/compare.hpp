#pragma once

#include <tessera/core/tensor.hpp>

namespace tessera {

// Comparisons of any element type, broadcasting as in arithmetic.hpp: u8 tensors of 1 (true) and 0. No gradients.
// ShapeError for shapes that do not broadcast, ValueError for types that differ. A number takes a float tensor's type;
// integers are compared with it exactly.

Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

Tensor equal(const Tensor& a, double b);
Tensor not_equal(const Tensor& a, double b);
Tensor less(const Tensor& a, double b);
Tensor less_equal(const Tensor& a, double b);
Tensor greater(const Tensor& a, double b);
Tensor greater_equal(const Tensor& a, double b);

/// a where the condition (u8) is not 0, else b; all three broadcast. Gradients flow to whichever was taken.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, double b);
Tensor where(const Tensor& condition, double a, const Tensor& b);

}  // namespace tessera
