#include <algorithm>
#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/gemm.hpp>
#include <tessera/core/ops/binary_operands.hpp>
#include <tessera/core/ops/matmul.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera {
namespace {

/// One product of [rows, depth] x [depth, columns] for each of the batch.
struct Sizes {
  std::int64_t batch = 1, rows, depth, columns;
};

Sizes sizes_of(const Tensor& a, const Tensor& b) {
  check_same_type("matmul", a, b);
  const Shape &left = a.shape(), &right = b.shape();
  if (left.rank() < 2 || right.rank() < 2)
    raise<ShapeError>("matmul", "expected at least 2 axes each, got {} and {}", left.str(), right.str());
  const Sizes sizes{1, left.size(-2), left.size(-1), right.size(-1)};
  if (right.size(-2) != sizes.depth)
    raise<ShapeError>("matmul", "{} x {}: the left has {} columns, the right {} rows", left.str(), right.str(),
                      sizes.depth, right.size(-2));
  const bool one_right = right.rank() == 2;
  if (!one_right && (left.rank() != right.rank() || !std::equal(left.begin(), left.end() - 2, right.begin())))
    raise<ShapeError>("matmul", "{} x {}: expected equal leading axes, or a right matrix of rank 2", left.str(),
                      right.str());
  std::int64_t leading = 1;
  for (std::int64_t axis = 0; axis < left.rank() - 2; ++axis) leading *= left[axis];
  const Sizes flat = one_right ? Sizes{1, leading * sizes.rows, sizes.depth, sizes.columns}
                               : Sizes{leading, sizes.rows, sizes.depth, sizes.columns};
  if (std::max({flat.rows, flat.depth, flat.columns}) > std::numeric_limits<std::int32_t>::max())
    raise<ShapeError>("matmul", "{} x {}: a matrix has at most 2^31 - 1 rows and columns", left.str(), right.str());
  return flat;
}

struct Factor {
  const Tensor& matrices;
  bool transposed = false;
};

/// [rows, depth] x [depth, columns] for each of the batch, the factors transposed first where they say so.
Tensor product(const Factor& a, const Factor& b, const Sizes& s, const Shape& shape) {
  Tensor y = Tensor::empty(shape, a.matrices.dtype());
  dispatch_float(y.dtype(), "matmul", [&](auto zero) {
    using T = decltype(zero);
    const T *left = a.matrices.data<T>(), *right = b.matrices.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(s.batch, [&](std::int64_t i) {
      kernels::gemm<T>({left + i * s.rows * s.depth, a.transposed ? s.rows : s.depth, a.transposed},
                       {right + i * s.depth * s.columns, b.transposed ? s.depth : s.columns, b.transposed},
                       out + i * s.rows * s.columns, s.rows, s.columns, s.depth);
    });
  });
  return y;
}

struct MatmulNode final : Node {  // saves a, b;  grad_a = grad_output * b^T, grad_b = a^T * grad_output
  MatmulNode(const Sizes& sizes, const Tensor& a, const Tensor& b) : sizes_(sizes), a_(a), b_(b) {}
  std::string_view name() const override { return "matmul"; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    const auto [batch, rows, depth, columns] = sizes_;
    Grads grads(2);
    if (needs[0]) grads[0] = product({grad_output}, {b_, true}, {batch, rows, columns, depth}, a_->shape());
    if (needs[1]) grads[1] = product({a_, true}, {grad_output}, {batch, depth, rows, columns}, b_->shape());
    return grads;
  }
  Sizes sizes_;
  Saved a_, b_;
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  const Sizes sizes = sizes_of(a, b);
  Shape shape = a.shape();
  shape[shape.rank() - 1] = sizes.columns;
  return record<MatmulNode>(product({a}, {b}, sizes, shape), {a, b}, sizes, a, b);
}

}  // namespace tessera
