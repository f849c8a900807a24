#include <array>
#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/broadcast.hpp>
#include <tessera/core/kernels/elementwise.hpp>
#include <tessera/core/kernels/reduce.hpp>
#include <tessera/core/ops/permute.hpp>
#include <tessera/core/ops/reduce.hpp>

namespace tessera {
namespace {

using kernels::Extents;
using kernels::Extreme;

/// One reduction: the input, permuted where the reduced axes do not lie together, as [outer, reduced, inner].
struct Reduction {
  Reduction(std::string_view op, const Tensor& input, const Axes& axes, bool keepdims);

  Tensor x;
  Extents extents;
  Shape output_shape;
  Attributes attributes;
};

Reduction::Reduction(std::string_view op, const Tensor& input, const Axes& axes, bool keepdims) : x(input) {
  const Shape& shape = input.shape();
  const auto rank = static_cast<std::size_t>(shape.rank());
  std::vector<bool> reduced(rank, axes.empty());
  for (const std::int64_t axis : axes) {
    if (rank == 0) raise<ShapeError>(op, "a tensor of rank 0 has no axes to list, got axis {}", axis);
    if (axis < -shape.rank() || axis >= shape.rank())
      raise<ShapeError>(op, "axis {} does not exist in {}: expected {} to {}", axis, shape.str(), -shape.rank(),
                        shape.rank() - 1);
    const auto at = static_cast<std::size_t>(shape.normalize_axis(axis));
    if (reduced[at]) raise<ShapeError>(op, "axis {} is listed twice", at);
    reduced[at] = true;
  }

  Axes listed, kept_first, sizes;
  bool together = true, met = false, passed = false;  // whether a reduced axis came, and a kept one after it
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t size = shape[static_cast<std::int64_t>(axis)];
    if (!reduced[axis]) {
      kept_first.push_back(static_cast<std::int64_t>(axis));
      sizes.push_back(size);
      if (size != 1) passed = met;
      (met ? extents.inner : extents.outer) *= size;
      continue;
    }
    if (size != 1) {
      together = together && !passed;
      met = true;
    }
    listed.push_back(static_cast<std::int64_t>(axis));
    if (keepdims) sizes.push_back(1);
    extents.reduced *= size;
  }
  output_shape = Shape(std::span<const std::int64_t>(sizes));
  attributes = {{"axes", listed}, {"keepdims", keepdims}};
  if (together) return;
  kept_first.insert(kept_first.end(), listed.begin(), listed.end());
  x = permute(input, kept_first);
  extents = {output_shape.numel(), extents.reduced, 1};
}

Shape whole(Extents e) { return {e.outer, e.reduced, e.inner}; }
Shape kept(Extents e) { return {e.outer, 1, e.inner}; }

Tensor sums(const Reduction& r, std::string_view op) {
  Tensor result = Tensor::empty(r.output_shape, f64);
  dispatch_float(r.x.dtype(), op, [&](auto zero) {
    kernels::sum(r.x.data<decltype(zero)>(), r.extents, result.mutable_data<double>());
  });
  return result;
}

/// total / divisor in the type of the input.
Tensor quotient(const Tensor& total, double divisor, DType dtype) {
  Tensor y = Tensor::empty(total.shape(), dtype);
  dispatch_float(dtype, "quotient", [&](auto zero) {
    using T = decltype(zero);
    kernels::map(
        y.numel(), y.mutable_data<T>(), [divisor](double value) { return static_cast<T>(value / divisor); },
        total.data<double>());
  });
  return y;
}

struct SumNode final : Node {  // saves the extents;  grad_x[o, r, i] = grad_output[o, i] / divisor
  SumNode(std::string_view name, const Reduction& r, double divisor)
      : name_(name), attributes_(r.attributes), shape_(r.x.shape()), extents_(r.extents), divisor_(divisor) {}
  std::string_view name() const override { return name_; }
  Attributes attributes() const override { return attributes_; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::empty(shape_, grad_output.dtype());
    const kernels::Broadcast<1> plan(whole(extents_), {kept(extents_)});
    dispatch_float(grad.dtype(), name_, [&](auto zero) {
      using T = decltype(zero);
      const T divisor = static_cast<T>(divisor_);
      kernels::broadcast(
          plan, grad.mutable_data<T>(), [divisor](T g) { return g / divisor; }, grad_output.data<T>());
    });
    return {grad};
  }
  std::string_view name_;
  Attributes attributes_;
  Shape shape_;
  Extents extents_;
  double divisor_;
};

struct VarNode final : Node {  // saves x, mean;  grad_x = grad_output * 2 (x - mean) / divisor
  VarNode(const Reduction& r, std::int64_t correction, const Tensor& mean, double divisor)
      : attributes_(r.attributes), extents_(r.extents), x_(r.x), mean_(mean), divisor_(divisor) {
    attributes_.emplace_back("correction", correction);
  }
  std::string_view name() const override { return "var"; }
  Attributes attributes() const override { return attributes_; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::empty(x_->shape(), grad_output.dtype());
    const kernels::Broadcast<3> plan(whole(extents_), {whole(extents_), kept(extents_), kept(extents_)});
    dispatch_float(grad.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      const double factor = 2 / divisor_;
      kernels::broadcast(
          plan, grad.mutable_data<T>(),
          [factor](T x, double mean, T g) {
            return static_cast<T>(static_cast<double>(g) * factor * (static_cast<double>(x) - mean));
          },
          x_->data<T>(), mean_->data<double>(), grad_output.data<T>());
    });
    return {grad};
  }
  Attributes attributes_;
  Extents extents_;
  Saved x_, mean_;
  double divisor_;
};

struct ExtremeNode final : Node {  // saves the index of each extreme;  its element gets grad_output, the others 0
  ExtremeNode(std::string_view name, const Reduction& r, const Tensor& index)
      : name_(name), attributes_(r.attributes), shape_(r.x.shape()), extents_(r.extents), index_(index) {}
  std::string_view name() const override { return name_; }
  Attributes attributes() const override { return attributes_; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::empty(shape_, grad_output.dtype());
    dispatch_float(grad.dtype(), name_, [&](auto zero) {
      using T = decltype(zero);
      kernels::extreme_gradient(grad_output.data<T>(), index_->data<std::int32_t>(), extents_, grad.mutable_data<T>());
    });
    return {grad};
  }
  std::string_view name_;
  Attributes attributes_;
  Shape shape_;
  Extents extents_;
  Saved index_;
};

struct Extremes {
  Tensor values, index;
};

Extremes find_extremes(std::string_view op, Extreme which, const Reduction& r) {
  if (r.extents.reduced == 0 && r.extents.kept() > 0)
    raise<ShapeError>(op, "there is nothing to choose from in the reduced axes of {}", r.x.shape().str());
  if (r.extents.reduced > std::numeric_limits<std::int32_t>::max())
    raise<ShapeError>(op, "the reduced axes of {} have more elements than an i32 index can count", r.x.shape().str());
  Extremes found{Tensor::empty(r.output_shape, r.x.dtype()), Tensor::empty(r.output_shape, i32)};
  dispatch_float(r.x.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    kernels::find_extreme(which, r.x.data<T>(), r.extents, found.values.mutable_data<T>(),
                          found.index.mutable_data<std::int32_t>());
  });
  return found;
}

Tensor extreme(std::string_view op, Extreme which, const Tensor& x, const Axes& axes, bool keepdims) {
  const Reduction r(op, x, axes, keepdims);
  const Extremes found = find_extremes(op, which, r);
  return record<ExtremeNode>(found.values, {r.x}, op, r, found.index);
}

Tensor extreme_index(std::string_view op, Extreme which, const Tensor& x, const Axes& axes, bool keepdims) {
  const Reduction r(op, x, axes, keepdims);
  return record_constant(op, find_extremes(op, which, r).index, {r.x}, r.attributes);
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  const Reduction r("sum", x, axes, keepdims);
  return record<SumNode>(sums(r, "sum").to(x.dtype()), {r.x}, "sum", r, 1.0);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  const Reduction r("mean", x, axes, keepdims);
  const auto count = static_cast<double>(r.extents.reduced);
  return record<SumNode>(quotient(sums(r, "mean"), count, x.dtype()), {r.x}, "mean", r, count);
}

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, std::int64_t correction) {
  const Reduction r("var", x, axes, keepdims);
  const Tensor mean = quotient(sums(r, "var"), static_cast<double>(r.extents.reduced), f64);
  const auto divisor = static_cast<double>(std::max<std::int64_t>(0, r.extents.reduced - correction));
  Tensor squares = Tensor::empty(r.output_shape, f64);
  dispatch_float(x.dtype(), "var", [&](auto zero) {
    kernels::sum_squared_deviations(r.x.data<decltype(zero)>(), r.extents, mean.data<double>(),
                                    squares.mutable_data<double>());
  });
  return record<VarNode>(quotient(squares, divisor, x.dtype()), {r.x}, r, correction, mean, divisor);
}

Tensor min(const Tensor& x, const Axes& axes, bool keepdims) { return extreme("min", Extreme::min, x, axes, keepdims); }
Tensor max(const Tensor& x, const Axes& axes, bool keepdims) { return extreme("max", Extreme::max, x, axes, keepdims); }

Tensor argmin(const Tensor& x, const Axes& axes, bool keepdims) {
  return extreme_index("argmin", Extreme::min, x, axes, keepdims);
}
Tensor argmax(const Tensor& x, const Axes& axes, bool keepdims) {
  return extreme_index("argmax", Extreme::max, x, axes, keepdims);
}

Tensor sum_to_shape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast_shapes(x.shape(), shape, "sum_to_shape") != x.shape())
    raise<ShapeError>("sum_to_shape", "{} is not {} stretched by broadcasting", x.shape().str(), shape.str());
  Axes axes;
  const std::int64_t added = x.rank() - shape.rank();
  for (std::int64_t axis = 0; axis < x.rank(); ++axis)
    if (axis < added || (shape[axis - added] == 1 && x.shape()[axis] != 1)) axes.push_back(axis);
  return sum(x, axes, true).reshape({shape.begin(), shape.end()});
}

}  // namespace tessera
