#include <fmt/ranges.h>

#include <numeric>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/copy_rows.hpp>
#include <tessera/core/ops/concat.hpp>

namespace tessera {
namespace {

Shape with_size(Shape shape, std::int64_t axis, std::int64_t size) {
  shape[axis] = size;
  return shape;
}

/// Elements that a step along `axis` skips.
std::int64_t stride_of(const Shape& shape, std::int64_t axis) {
  return std::accumulate(shape.begin() + axis + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// Copies `part` to position `begin` of an axis of `whole`.
void put(Tensor& whole, const Tensor& part, std::int64_t axis, std::int64_t begin) {
  const std::int64_t stride = stride_of(part.shape(), axis);
  const std::int64_t part_row = part.shape()[axis] * stride, whole_row = whole.shape()[axis] * stride;
  if (part.numel() == 0) return;
  dispatch_all(part.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::copy_rows(part.data<T>(), part_row, whole.mutable_data<T>() + begin * stride, whole_row,
                       part.numel() / part_row, part_row);
  });
}

/// A copy of `size` positions of an axis of `whole` from `begin` on.
Tensor taken(const Tensor& whole, std::int64_t axis, std::int64_t begin, std::int64_t size) {
  Tensor part = Tensor::empty(with_size(whole.shape(), axis, size), whole.dtype());
  const std::int64_t stride = stride_of(part.shape(), axis);
  const std::int64_t part_row = size * stride, whole_row = whole.shape()[axis] * stride;
  if (part.numel() == 0) return part;
  dispatch_all(part.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::copy_rows(whole.data<T>() + begin * stride, whole_row, part.mutable_data<T>(), part_row,
                       part.numel() / part_row, part_row);
  });
  return part;
}

struct SliceNode final : Node {  // saves the input's shape;  grad_input = grad_output where it was cut from, else 0
  SliceNode(const Shape& shape, std::int64_t axis, std::int64_t begin, std::int64_t end)
      : shape_(shape), axis_(axis), begin_(begin), end_(end) {}
  std::string_view name() const override { return "slice"; }
  Attributes attributes() const override { return {{"axis", axis_}, {"begin", begin_}, {"end", end_}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::zeros(shape_, grad_output.dtype());
    put(grad, grad_output, axis_, begin_);
    return {grad};
  }
  Shape shape_;
  std::int64_t axis_, begin_, end_;
};

struct ConcatNode final : Node {  // saves the sizes;  each input's gradient is its part of grad_output
  ConcatNode(const std::vector<Tensor>& inputs, std::vector<std::int64_t> sizes, std::int64_t axis)
      : sizes_(std::move(sizes)), axis_(axis) {
    for (const Tensor& input : inputs) parts_.emplace_back(input);
    // Inputs are held only where the output can be left to a convolution to ask for again. One that reads the output
    // in another way keeps it besides.
    if (axis + 1 != inputs[0].rank() ||
        std::none_of(parts_.begin(), parts_.end(), [](const SavedInput& part) { return part.recomputes(); }))
      parts_.clear();
  }
  std::string_view name() const override { return "concat"; }
  Attributes attributes() const override { return {{"axis", axis_}}; }
  Grads backward(const Tensor& grad_output, Needs needs) override {
    if (!needs.again()) parts_.clear();
    Grads grads(sizes_.size());
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < sizes_.size(); begin += sizes_[i++])
      if (needs[i]) grads[i] = taken(grad_output, axis_, begin, sizes_[i]);
    return grads;
  }
  bool recomputes(std::size_t) const override { return !parts_.empty(); }
  void recompute(std::size_t, Tensor& whole, std::int64_t begin) const override {
    for (std::size_t i = 0; i < sizes_.size(); begin += sizes_[i++])
      if (parts_[i].recomputes())
        parts_[i].recompute(whole, begin);
      else
        put(whole, parts_[i].get(), axis_, begin);
  }
  std::vector<std::int64_t> sizes_;
  std::int64_t axis_;
  std::vector<SavedInput> parts_;  // where some are computed again
};

struct SplitNode final : Node {  // saves the input's shape, the sizes;  grad_input = the parts' gradients in a row
  SplitNode(const Tensor& x, std::vector<std::int64_t> sizes, std::int64_t axis)
      : shape_(x.shape()), dtype_(x.dtype()), sizes_(std::move(sizes)), axis_(axis) {}
  std::string_view name() const override { return "split"; }
  Attributes attributes() const override { return {{"axis", axis_}, {"sizes", sizes_}}; }
  Grads backward(const Tensor& grad_output, Needs needs) override { return backward_many({grad_output}, needs); }
  Grads backward_many(const std::vector<Tensor>& grad_outputs, Needs) override {
    Tensor grad_input = Tensor::zeros(shape_, dtype_);
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < sizes_.size(); begin += sizes_[i++])
      if (grad_outputs[i]) put(grad_input, grad_outputs[i], axis_, begin);
    return {grad_input};
  }
  Shape shape_;
  DType dtype_;
  std::vector<std::int64_t> sizes_;
  std::int64_t axis_;
};

std::string shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<std::string> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape().str());
  return fmt::format("{}", fmt::join(shapes, ", "));
}

}  // namespace

Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  axis = x.shape().normalize_axis(axis);
  const std::int64_t size = x.shape()[axis];
  const std::int64_t first = begin < 0 ? begin + size : begin, last = end < 0 ? end + size : end;
  if (first < 0 || last < first || last > size)
    raise<ShapeError>("slice", "{} to {} is no part of axis {} of {}, which goes from 0 to {}", begin, end, axis,
                      x.shape().str(), size);
  return record<SliceNode>(taken(x, axis, first, last - first), {x}, x.shape(), axis, first, last);
}

Shape concat_shape(const std::vector<Tensor>& tensors, std::int64_t axis) {
  if (tensors.empty()) raise<ValueError>("concat", "expected one or more tensors, got none");
  const Tensor& first = tensors[0];
  axis = first.shape().normalize_axis(axis);
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.rank() != first.rank() || with_size(tensor.shape(), axis, 0) != with_size(first.shape(), axis, 0))
      raise<ShapeError>("concat", "expected shapes that differ in axis {} only, got {}", axis, shapes_of(tensors));
    if (tensor.dtype() != first.dtype())
      raise<ValueError>("concat", "expected tensors of one type, got {} and {}", name_of(first.dtype()),
                        name_of(tensor.dtype()));
    total += tensor.shape()[axis];
  }
  return with_size(first.shape(), axis, total);
}

Tensor concat(const std::vector<Tensor>& tensors, std::int64_t axis) {
  const Shape shape = concat_shape(tensors, axis);
  Tensor y = Tensor::empty(shape, tensors[0].dtype());
  axis = shape.normalize_axis(axis);
  std::vector<std::int64_t> sizes;
  std::int64_t begin = 0;
  for (const Tensor& part : tensors) {
    put(y, part, axis, begin);
    sizes.push_back(part.shape()[axis]);
    begin += sizes.back();
  }
  return record<ConcatNode>(y, tensors, tensors, std::move(sizes), axis);
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t axis) {
  if (tensors.empty()) raise<ValueError>("stack", "expected one or more tensors, got none");
  const Shape& shape = tensors[0].shape();
  if (axis < -shape.rank() - 1 || axis > shape.rank())
    raise<ShapeError>("stack", "a new axis {} does not fit into {}: expected {} to {}", axis, shape.str(),
                      -shape.rank() - 1, shape.rank());
  if (axis < 0) axis += shape.rank() + 1;
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.insert(sizes.begin() + axis, 1);
  std::vector<Tensor> rows;
  for (const Tensor& tensor : tensors) {
    if (tensor.shape() != shape) raise<ShapeError>("stack", "expected equal shapes, got {}", shapes_of(tensors));
    rows.push_back(tensor.reshape(sizes));
  }
  return concat(rows, axis);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t axis) {
  axis = x.shape().normalize_axis(axis);
  const bool positive = std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size >= 0; });
  if (!positive || std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != x.shape()[axis])
    raise<ShapeError>("split", "expected sizes that add up to {}, axis {} of {}, got [{}]", x.shape()[axis], axis,
                      x.shape().str(), fmt::join(sizes, ", "));
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(taken(x, axis, begin, size));
    begin += size;
  }
  record_many<SplitNode>(parts, {x}, x, sizes, axis);
  return parts;
}

std::vector<Tensor> split_evenly(const Tensor& x, std::int64_t parts, std::int64_t axis) {
  const std::int64_t size = x.size(axis);
  if (parts < 1 || size % parts != 0)
    raise<ShapeError>("split_evenly", "axis {} of {} does not divide into {} equal parts", axis, x.shape().str(),
                      parts);
  return split(x, std::vector<std::int64_t>(static_cast<std::size_t>(parts), size / parts), axis);
}

}  // namespace tessera
