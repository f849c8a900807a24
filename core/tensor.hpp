#pragma once

#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <tessera/core/dtype.hpp>
#include <tessera/core/shape.hpp>
#include <vector>

namespace tessera {

struct Gradient;  // what autograd knows of a tensor; core/autograd.hpp

/// A handle to a contiguous array of numbers (NHWC for images) that can take part in automatic differentiation.
///
/// Copying a Tensor copies the handle; `clone()` copies the numbers. A default-constructed Tensor is undefined and
/// holds nothing.
class Tensor {
 public:
  Tensor() = default;

  /// Uninitialised, or filled, tensors of a shape.
  static Tensor empty(const Shape& shape, DType dtype = f32);
  static Tensor zeros(const Shape& shape, DType dtype = f32);
  static Tensor ones(const Shape& shape, DType dtype = f32);
  static Tensor full(const Shape& shape, double value, DType dtype = f32);
  /// A rank-0 tensor.
  static Tensor scalar(double value, DType dtype = f32);
  /// 0, 1, 2, ... count - 1.
  static Tensor arange(std::int64_t count, DType dtype = f32);

  /// Copies `values` into a tensor of `shape`; ShapeError unless there are exactly as many.
  template <Element T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    return from_bytes(values.data(), values.size(), shape, dtype_of<T>);
  }
  template <Element T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  template <Element T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }

  const Shape& shape() const;
  std::int64_t rank() const { return shape().rank(); }
  /// Size of an axis; a negative axis counts from the last.
  std::int64_t size(std::int64_t axis) const { return shape().size(axis); }
  std::int64_t numel() const { return shape().numel(); }
  DType dtype() const;

  /// Read-only access to the elements in row-major order; ValueError unless T is the tensor's own type.
  template <Element T>
  const T* data() const {
    return static_cast<const T*>(bytes(dtype_of<T>));
  }
  /// Access for writing; counts as a write, so a backward pass that saved this tensor will refuse to run.
  template <Element T>
  T* mutable_data() {
    return static_cast<T*>(mutable_bytes(dtype_of<T>));
  }
  template <Element T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<std::size_t>(numel())};
  }

  /// The only element as a double; ShapeError unless there is exactly one.
  double item() const;
  /// The element at an index as a double, e.g. `y.at({0, 3, 3, 1})`.
  double at(std::initializer_list<std::int64_t> index) const;

  /// The same numbers in another element type (itself when the type is the same). Differentiable between f32 and f64.
  Tensor to(DType dtype) const;
  /// A copy with memory of its own. Differentiable.
  Tensor clone() const;
  /// A handle to the same numbers that autograd knows nothing of.
  Tensor detach() const;
  /// The same numbers under another shape, without a copy; one size may be -1 and is inferred. Differentiable.
  Tensor reshape(const std::vector<std::int64_t>& sizes) const;
  /// Overwrites the numbers with those of `source` (same shape and type) in place.
  void copy_(const Tensor& source);
  void fill_(double value);
  /// Makes this leaf hold the numbers, shape and type of `source` from now on, for every handle to it; drops its
  /// gradient.
  void set_data(const Tensor& source);

  // ---- autograd
  /// True for a tensor marked by set_requires_grad and for everything computed from one.
  bool requires_grad() const;
  /// Marks a leaf (a tensor no op made) as wanting a gradient, or frees it of that. Float tensors only.
  Tensor& set_requires_grad(bool on = true);
  /// The accumulated gradient of a leaf; undefined before the first backward pass.
  Tensor grad() const;
  void set_grad(Tensor grad);
  void zero_grad();
  /// Adds the gradients of this tensor, weighted by `gradient` (needed unless there is one element), to all leaves
  /// below it.
  void backward(const Tensor& gradient = {}, bool retain_graph = false) const;
  /// Calls `hook(grad)` once in every backward pass, as soon as this leaf's gradient is complete.
  void on_gradient_ready(std::function<void(const Tensor& grad)> hook);

  /// How often the numbers were opened for writing.
  std::uint64_t version() const;
  /// True when no other tensor shares these numbers.
  bool is_unique() const;
  /// True when both are handles to the same tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  const void* identity() const { return impl_.get(); }

  /// Shape, type and elements as nested rows, cut in the middle when long.
  std::string str() const;

  /// Something computed from these numbers that is worth keeping until they are written to, such as packed weights;
  /// null where nothing was kept under this key. Thread-safe.
  std::shared_ptr<void> derived(std::uint64_t key) const;
  void keep_derived(std::uint64_t key, std::shared_ptr<void> value) const;

  struct Impl;
  /// What autograd knows of this tensor; null where it knows nothing. For the engine.
  const std::shared_ptr<Gradient>& gradient_record() const;
  void set_gradient_record(std::shared_ptr<Gradient> record);
  /// A new tensor over the same memory; `shape` must have as many elements. For ops that do not move numbers.
  Tensor view(const Shape& shape) const;

 private:
  explicit Tensor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  static Tensor from_bytes(const void* values, std::size_t count, const Shape& shape, DType dtype);
  const Impl& impl() const;
  const void* bytes(DType expected) const;
  void* mutable_bytes(DType expected);

  std::shared_ptr<Impl> impl_;
};

std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace tessera
