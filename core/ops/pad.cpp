#include <algorithm>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/copy_rows.hpp>
#include <tessera/core/ops/pad.hpp>

namespace tessera {
namespace {

/// For every position of a padded axis the position it is read from, -1 for the value.
std::vector<std::int64_t> sources(std::int64_t size, AxisPad pad, PadMode mode) {
  std::vector<std::int64_t> result;
  for (std::int64_t at = -pad.begin; at < size + pad.end; ++at) {
    const bool inside = at >= 0 && at < size;
    const std::int64_t mirrored = at < 0 ? -at : 2 * (size - 1) - at;
    const std::int64_t nearest = at < 0 ? 0 : size - 1;
    result.push_back(inside ? at : mode == PadMode::constant ? -1 : mode == PadMode::reflect ? mirrored : nearest);
  }
  return result;
}

/// One axis of an array, seen as [outer, size, inner].
struct AxisView {
  AxisView(const Shape& shape, std::int64_t axis) : size(shape[axis]) {
    for (std::int64_t a = 0; a < axis; ++a) outer *= shape[a];
    for (std::int64_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  }
  std::int64_t outer = 1, size, inner = 1;
};

struct PadNode final : Node {  // saves the pads;  every element of grad_output goes where it was read from
  PadNode(std::vector<AxisPad> pads, PadMode mode, double value) : pads_(std::move(pads)), mode_(mode), value_(value) {}
  std::string_view name() const override { return "pad"; }
  Attributes attributes() const override {
    constexpr const char* modes[] = {"constant", "reflect", "replicate"};
    std::vector<std::int64_t> begin, end;
    for (const AxisPad& pad : pads_) {
      begin.push_back(pad.begin);
      end.push_back(pad.end);
    }
    return {{"begin", begin}, {"end", end}, {"mode", modes[static_cast<int>(mode_)]}, {"value", value_}};
  }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = grad_output;
    for (std::int64_t axis = grad.rank(); axis-- > 0;)
      grad = unpadded(grad, axis, pads_[static_cast<std::size_t>(axis)]);
    return {grad};
  }
  Tensor unpadded(const Tensor& grad_output, std::int64_t axis, AxisPad pad) const {
    if (pad.begin == 0 && pad.end == 0) return grad_output;
    Shape shape = grad_output.shape();
    shape[axis] -= pad.begin + pad.end;
    Tensor grad = Tensor::empty(shape, grad_output.dtype());
    const AxisView view(shape, axis);
    const auto source = sources(view.size, pad, mode_);
    dispatch_float(grad.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      kernels::scatter_add_rows(grad_output.data<T>(), view.size, grad.mutable_data<T>(), source.data(),
                                static_cast<std::int64_t>(source.size()), view.outer, view.inner);
    });
    return grad;
  }
  std::vector<AxisPad> pads_;
  PadMode mode_;
  double value_;
};

void check(const Tensor& x, const std::vector<AxisPad>& pads, PadMode mode) {
  if (static_cast<std::int64_t>(pads.size()) != x.rank())
    raise<ShapeError>("pad", "expected a padding for each of the {} axes of {}, got {}", x.rank(), x.shape().str(),
                      pads.size());
  for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
    const auto [begin, end] = pads[static_cast<std::size_t>(axis)];
    if (begin < 0 || end < 0)
      raise<ValueError>("pad", "expected paddings of 0 or more, got {} and {} on axis {}", begin, end, axis);
    const std::int64_t largest = std::max(begin, end), size = x.shape()[axis];
    if (mode == PadMode::reflect && largest > 0 && largest >= size)
      raise<ShapeError>("pad", "axis {} of {} can be reflected by at most {}, got {} and {}", axis, x.shape().str(),
                        std::max<std::int64_t>(size - 1, 0), begin, end);
    if (mode == PadMode::replicate && largest > 0 && size == 0)
      raise<ShapeError>("pad", "axis {} of {} is empty: there is nothing to replicate", axis, x.shape().str());
  }
}

Tensor padded(const Tensor& x, std::int64_t axis, AxisPad pad, PadMode mode, double value) {
  if (pad.begin == 0 && pad.end == 0) return x;
  Shape shape = x.shape();
  shape[axis] += pad.begin + pad.end;
  Tensor y = Tensor::empty(shape, x.dtype());
  const AxisView view(x.shape(), axis);
  const auto source = sources(view.size, pad, mode);
  dispatch_all(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(x.data<T>(), view.size, y.mutable_data<T>(), source.data(),
                         static_cast<std::int64_t>(source.size()), view.outer, view.inner, static_cast<T>(value));
  });
  return y;
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<AxisPad>& pads, PadMode mode, double value) {
  check(x, pads, mode);
  Tensor y = x.detach();
  for (std::int64_t axis = 0; axis < x.rank(); ++axis)
    y = padded(y, axis, pads[static_cast<std::size_t>(axis)], mode, value);
  return record<PadNode>(y, {x}, pads, mode, value);
}

}  // namespace tessera
