#include <algorithm>
#include <limits>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/pool.hpp>
#include <tessera/core/ops/pool.hpp>

namespace tessera {
namespace {

ConvGeometry pool_geometry(const char* op, const Shape& input, Size2D pool_size, std::optional<Size2D> strides,
                           const Padding& padding) {
  if (input.rank() != 4 || input[3] == 0)
    raise<ShapeError>(op, "expected an input [N, H, W, C] with 1 or more channels, got {}", input.str());
  const ConvGeometry geometry =
      conv2d_geometry(input, {pool_size.height, pool_size.width, 1, input[3]},
                      {.strides = strides.value_or(pool_size), .padding = padding, .groups = input[3]}, op);
  const auto [top, bottom, left, right] = geometry.pad;
  if (std::max(top, bottom) >= pool_size.height || std::max(left, right) >= pool_size.width)
    raise<ShapeError>(
        op, "padding must stay below the pool size {} on every side, got top {}, bottom {}, left {}, right {}",
        pool_size.str(), top, bottom, left, right);
  return geometry;
}

Attributes pool_attributes(const ConvGeometry& geometry) {
  Attributes attributes = geometry.attributes();
  std::erase_if(attributes,
                [](const auto& entry) { return entry.first == "dilation_rate" || entry.first == "groups"; });
  return attributes;
}

struct MaxPoolNode final : Node {  // saves x;  each window's gradient goes to its first maximum
  MaxPoolNode(const Tensor& x, const ConvGeometry& geometry, Tensor indices)
      : x_(x), geometry_(geometry), indices_(std::move(indices)) {}
  std::string_view name() const override { return "max_pool2d"; }
  Attributes attributes() const override { return pool_attributes(geometry_); }
  void add_to(Trace& trace, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) const override {
    Node::add_to(trace, inputs, outputs);
    if (indices_) trace.ops.back().outputs.push_back(indices_);
  }
  Grads backward(const Tensor& grad_output, Needs) override {
    const Tensor& x = x_;
    Tensor grad = Tensor::empty(x.shape(), x.dtype());
    dispatch_float(x.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      kernels::max_pool_backward(geometry_, x.data<T>(), grad_output.data<T>(), grad.mutable_data<T>());
    });
    return {grad};
  }
  Saved x_;
  ConvGeometry geometry_;
  Tensor indices_;
};

struct AvgPoolNode final : Node {  // saves the geometry;  each window's gradient is shared by its pixels
  AvgPoolNode(const ConvGeometry& geometry, bool count_include_pad)
      : geometry_(geometry), count_include_pad_(count_include_pad) {}
  std::string_view name() const override { return "avg_pool2d"; }
  Attributes attributes() const override {
    Attributes attributes = pool_attributes(geometry_);
    attributes.emplace_back("count_include_pad", count_include_pad_);
    return attributes;
  }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::empty(geometry_.input_shape(), grad_output.dtype());
    dispatch_float(grad.dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      kernels::avg_pool_backward(geometry_, grad_output.data<T>(), grad.mutable_data<T>(), count_include_pad_);
    });
    return {grad};
  }
  ConvGeometry geometry_;
  bool count_include_pad_;
};

PooledWithIndices max_pooled(const Tensor& x, const MaxPoolOptions& options, bool with_indices) {
  const ConvGeometry geometry =
      pool_geometry("max_pool2d", x.shape(), options.pool_size, options.strides, options.padding);
  if (with_indices && geometry.input.height * geometry.input.width > std::numeric_limits<std::int32_t>::max())
    raise<ShapeError>("max_pool2d", "indices are 32 bits wide: a plane of {} has too many pixels",
                      geometry.input.str());
  PooledWithIndices result{Tensor::empty(geometry.output_shape(), x.dtype()), {}};
  if (with_indices) result.indices = Tensor::empty(geometry.output_shape(), i32);
  dispatch_float(x.dtype(), "max_pool2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::max_pool(geometry, x.data<T>(), result.output.mutable_data<T>(),
                      with_indices ? result.indices.mutable_data<std::int32_t>() : nullptr);
  });
  record<MaxPoolNode>(result.output, {x}, x, geometry, result.indices);
  return result;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const MaxPoolOptions& options) { return max_pooled(x, options, false).output; }

PooledWithIndices max_pool2d_with_indices(const Tensor& x, const MaxPoolOptions& options) {
  return max_pooled(x, options, true);
}

Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& options) {
  const ConvGeometry geometry =
      pool_geometry("avg_pool2d", x.shape(), options.pool_size, options.strides, options.padding);
  Tensor y = Tensor::empty(geometry.output_shape(), x.dtype());
  dispatch_float(x.dtype(), "avg_pool2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::avg_pool(geometry, x.data<T>(), y.mutable_data<T>(), options.count_include_pad);
  });
  return record<AvgPoolNode>(y, {x}, geometry, options.count_include_pad);
}

Tensor global_avg_pool2d(const Tensor& x) {
  if (x.rank() != 4) raise<ShapeError>("global_avg_pool2d", "expected an input [N, H, W, C], got {}", x.shape().str());
  return avg_pool2d(x, {.pool_size = {x.size(1), x.size(2)}}).reshape({x.size(0), x.size(3)});
}

Tensor global_max_pool2d(const Tensor& x) {
  if (x.rank() != 4) raise<ShapeError>("global_max_pool2d", "expected an input [N, H, W, C], got {}", x.shape().str());
  return max_pool2d(x, {.pool_size = {x.size(1), x.size(2)}}).reshape({x.size(0), x.size(3)});
}

}  // namespace tessera
