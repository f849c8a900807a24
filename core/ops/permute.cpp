#include <fmt/ranges.h>

#include <numeric>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/permute.hpp>
#include <tessera/core/ops/permute.hpp>

namespace tessera {
namespace {

using Axes = std::vector<std::int64_t>;

/// x, seen as `sizes`, with its axes reordered and in the shape `to`.
Tensor permuted(const Tensor& x, const Axes& sizes, const Axes& axes, const Shape& to) {
  Axes in_strides(sizes.size(), 1);
  for (std::size_t axis = sizes.size(); axis-- > 1;) in_strides[axis - 1] = in_strides[axis] * sizes[axis];
  // Output axes that lie one after the other in the input too are walked as one.
  Axes merged_sizes{1, 1}, merged_strides{0, 0};
  for (const std::int64_t axis : axes) {
    const std::int64_t size = sizes[static_cast<std::size_t>(axis)];
    const std::int64_t stride = in_strides[static_cast<std::size_t>(axis)];
    if (size == 1) continue;
    if (merged_strides.back() == stride * size) {
      merged_sizes.back() *= size;
      merged_strides.back() = stride;
    } else {
      merged_sizes.push_back(size);
      merged_strides.push_back(stride);
    }
  }
  Tensor y = Tensor::empty(to, x.dtype());
  if (x.numel() == 0) return y;
  dispatch_all(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_strided(x.data<T>(), y.mutable_data<T>(), std::span<const std::int64_t>(merged_sizes),
                            std::span<const std::int64_t>(merged_strides));
  });
  return y;
}

struct PermuteNode final : Node {  // saves the axes;  grad_input = grad_output with the axes put back
  explicit PermuteNode(Axes axes) : axes_(std::move(axes)) {}
  std::string_view name() const override { return "permute"; }
  Attributes attributes() const override { return {{"axes", axes_}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Axes inverse(axes_.size());
    for (std::size_t axis = 0; axis < axes_.size(); ++axis)
      inverse[static_cast<std::size_t>(axes_[axis])] = static_cast<std::int64_t>(axis);
    return {permute(grad_output, inverse)};
  }
  Axes axes_;
};

struct DepthToSpaceNode final : Node {  // saves the block size;  grad_input = the inverse of grad_output
  DepthToSpaceNode(std::int64_t block_size, bool inverse) : block_size_(block_size), inverse_(inverse) {}
  std::string_view name() const override { return inverse_ ? "space_to_depth" : "depth_to_space"; }
  Attributes attributes() const override { return {{"block_size", block_size_}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    return {inverse_ ? depth_to_space(grad_output, block_size_) : space_to_depth(grad_output, block_size_)};
  }
  std::int64_t block_size_;
  bool inverse_;
};

void check_image_and_block(const Tensor& x, std::int64_t block_size, std::string_view op) {
  if (block_size < 1) raise<ValueError>(op, "expected a block_size of 1 or more, got {}", block_size);
  if (x.rank() != 4) raise<ShapeError>(op, "expected an input [N, H, W, C], got {}", x.shape().str());
}

}  // namespace

Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes) {
  Axes order, sorted;
  for (const std::int64_t axis : axes) order.push_back(axis < 0 ? axis + x.rank() : axis);
  sorted = order;
  std::sort(sorted.begin(), sorted.end());
  Axes all(static_cast<std::size_t>(x.rank()));
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all)
    raise<ShapeError>("permute", "expected each of the {} axes of {} once, got [{}]", x.rank(), x.shape().str(),
                      fmt::join(axes, ", "));
  Axes to;
  for (const std::int64_t axis : order) to.push_back(x.shape()[axis]);
  Tensor y = permuted(x, Axes(x.shape().begin(), x.shape().end()), order, Shape(to));
  return record<PermuteNode>(y, {x}, std::move(order));
}

Tensor depth_to_space(const Tensor& x, std::int64_t block_size) {
  check_image_and_block(x, block_size, "depth_to_space");
  const std::int64_t b = block_size, n = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3) / (b * b);
  if (c * b * b != x.size(3))
    raise<ShapeError>("depth_to_space", "expected channels that divide by block_size * block_size = {}, got {}", b * b,
                      x.shape().str());
  Tensor y = permuted(x, {n, h, w, b, b, c}, {0, 1, 3, 2, 4, 5}, {n, h * b, w * b, c});
  return record<DepthToSpaceNode>(y, {x}, b, false);
}

Tensor space_to_depth(const Tensor& x, std::int64_t block_size) {
  check_image_and_block(x, block_size, "space_to_depth");
  const std::int64_t b = block_size, n = x.size(0), h = x.size(1) / b, w = x.size(2) / b, c = x.size(3);
  if (h * b != x.size(1) || w * b != x.size(2))
    raise<ShapeError>("space_to_depth", "expected a height and a width that divide by block_size = {}, got {}", b,
                      x.shape().str());
  Tensor y = permuted(x, {n, h, b, w, b, c}, {0, 1, 3, 2, 4, 5}, {n, h, w, b * b * c});
  return record<DepthToSpaceNode>(y, {x}, b, true);
}

}  // namespace tessera
