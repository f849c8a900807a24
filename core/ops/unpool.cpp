#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/pool.hpp>
#include <tessera/core/ops/pool.hpp>

namespace tessera {
namespace {

std::int64_t plane_of(const Shape& shape) { return shape[1] * shape[2]; }

struct MaxUnpoolNode final : Node {  // saves the indices;  each number that won gets the gradient of its place
  MaxUnpoolNode(const Tensor& indices, Size2D size) : indices_(indices), size_(size) {}
  std::string_view name() const override { return "max_unpool2d"; }
  Attributes attributes() const override { return {{"size", std::vector<std::int64_t>{size_.height, size_.width}}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    const Tensor& indices = indices_;
    Tensor grad = Tensor::empty(indices.shape(), grad_output.dtype()), left = grad_output.clone();
    dispatch_float(grad.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      kernels::max_unpool_backward(left.mutable_data<T>(), indices.data<std::int32_t>(), indices.size(0),
                                   plane_of(indices.shape()), plane_of(left.shape()), indices.size(3),
                                   grad.mutable_data<T>());
    });
    return {grad, {}};
  }
  Saved indices_;
  Size2D size_;
};

void check(const Tensor& x, const Tensor& indices, Size2D size) {
  const char* op = "max_unpool2d";
  if (x.rank() != 4 || indices.shape() != x.shape())
    raise<ShapeError>(op, "expected an input [N, H, W, C] and indices of its shape, got {} and {}", x.shape().str(),
                      indices.shape().str());
  if (indices.dtype() != i32) raise<ValueError>(op, "expected i32 indices, got {}", name_of(indices.dtype()));
  if (size.height < 1 || size.width < 1)
    raise<ShapeError>(op, "expected an output size of 1 or more, got {}x{}", size.height, size.width);
  const std::int64_t pixels = size.height * size.width;
  for (const std::int32_t index : indices.span<std::int32_t>())
    if (index < 0 || index >= pixels)
      raise<ValueError>(op, "index {} lies outside of a {}x{} plane: expected 0 to {}", index, size.height, size.width,
                        pixels - 1);
}

}  // namespace

Tensor max_unpool2d(const Tensor& x, const Tensor& indices, Size2D size) {
  check(x, indices, size);
  Tensor y = Tensor::empty({x.size(0), size.height, size.width, x.size(3)}, x.dtype());
  dispatch_float(x.dtype(), "max_unpool2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::max_unpool(x.data<T>(), indices.data<std::int32_t>(), x.size(0), plane_of(x.shape()), plane_of(y.shape()),
                        x.size(3), y.mutable_data<T>());
  });
  return record<MaxUnpoolNode>(y, {x, indices}, indices, size);
}

}  // namespace tessera
