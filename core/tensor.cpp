#include <cstring>
#include <map>
#include <mutex>
#include <tessera/core/arena.hpp>
#include <tessera/core/autograd.hpp>
#include <tessera/core/tensor.hpp>

namespace tessera {
namespace {

/// One for all storages: what is kept is looked up a few times a layer.
std::mutex derived_mutex;

}  // namespace

struct Tensor::Impl {
  /// A block of memory and how often it was opened for writing; shared by all tensors over the same numbers.
  struct Storage {
    explicit Storage(std::size_t bytes) : data(arena::allocate(bytes)) {}
    ~Storage() { arena::release(data); }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    void* data;
    std::uint64_t version = 0;
    std::map<std::uint64_t, std::shared_ptr<void>> derived;  ///< guarded by derived_mutex
  };

  std::shared_ptr<Storage> storage;
  Shape shape;
  DType dtype = f32;
  std::shared_ptr<Gradient> gradient;
};

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  auto impl = std::make_shared<Impl>();
  impl->storage = std::make_shared<Impl::Storage>(static_cast<std::size_t>(shape.numel()) * size_of(dtype));
  impl->shape = shape;
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor result = empty(shape, dtype);
  result.fill_(value);
  return result;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor Tensor::ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor Tensor::scalar(double value, DType dtype) { return full({}, value, dtype); }

Tensor Tensor::arange(std::int64_t count, DType dtype) {
  Tensor result = empty({count}, dtype);
  dispatch_all(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(i);
  });
  return result;
}

Tensor Tensor::from_bytes(const void* values, std::size_t count, const Shape& shape, DType dtype) {
  if (static_cast<std::size_t>(shape.numel()) != count)
    raise<ShapeError>("Tensor::from", "expected {} values for shape {}, got {}", shape.numel(), shape.str(), count);
  Tensor result = empty(shape, dtype);
  if (count > 0) std::memcpy(result.mutable_bytes(dtype), values, count * size_of(dtype));
  return result;
}

const Tensor::Impl& Tensor::impl() const {
  if (!impl_) raise<ValueError>("tensor", "this tensor is undefined: it was never given a value");
  return *impl_;
}

const Shape& Tensor::shape() const { return impl().shape; }
DType Tensor::dtype() const { return impl().dtype; }
std::uint64_t Tensor::version() const { return impl().storage->version; }
bool Tensor::is_unique() const { return impl().storage.use_count() == 1 && impl_.use_count() == 1; }

const void* Tensor::bytes(DType expected) const {
  if (impl().dtype != expected)
    raise<ValueError>("tensor", "read as {}, but it holds {}", name_of(expected), name_of(impl().dtype));
  return impl_->storage->data;
}

void* Tensor::mutable_bytes(DType expected) {
  void* data = const_cast<void*>(bytes(expected));
  ++impl_->storage->version;
  const std::lock_guard lock(derived_mutex);
  impl_->storage->derived.clear();
  return data;
}

std::shared_ptr<void> Tensor::derived(std::uint64_t key) const {
  const std::lock_guard lock(derived_mutex);
  const auto found = impl().storage->derived.find(key);
  return found == impl_->storage->derived.end() ? nullptr : found->second;
}

void Tensor::keep_derived(std::uint64_t key, std::shared_ptr<void> value) const {
  const std::lock_guard lock(derived_mutex);
  impl().storage->derived[key] = std::move(value);
}

double Tensor::item() const {
  if (numel() != 1) raise<ShapeError>("item", "expected a tensor of one element, got shape {}", shape().str());
  return dispatch_all(dtype(), [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[0]); });
}

double Tensor::at(std::initializer_list<std::int64_t> index) const {
  const Shape position(index);
  std::int64_t offset = 0;
  bool inside = position.rank() == rank();
  for (std::int64_t axis = 0; inside && axis < rank(); ++axis) {
    inside = position[axis] < shape()[axis];
    offset = offset * shape()[axis] + position[axis];
  }
  if (!inside) raise<ShapeError>("at", "index {} lies outside of shape {}", position.str(), shape().str());
  return dispatch_all(dtype(), [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[offset]); });
}

Tensor Tensor::view(const Shape& shape) const {
  auto copy = std::make_shared<Impl>();
  copy->storage = impl().storage;
  copy->shape = shape;
  copy->dtype = impl_->dtype;
  return Tensor(std::move(copy));
}

Tensor Tensor::detach() const { return view(shape()); }

void Tensor::copy_(const Tensor& source) {
  if (source.shape() != shape() || source.dtype() != dtype())
    raise<ShapeError>("copy_", "expected {} {}, got {} {}", name_of(dtype()), shape().str(), name_of(source.dtype()),
                      source.shape().str());
  void* target = mutable_bytes(dtype());
  if (numel() > 0) std::memmove(target, source.bytes(dtype()), static_cast<std::size_t>(numel()) * size_of(dtype()));
}

void Tensor::fill_(double value) {
  dispatch_all(dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* out = mutable_data<T>();
    std::fill(out, out + numel(), static_cast<T>(value));
  });
}

void Tensor::set_data(const Tensor& source) {
  if (const auto& record = impl().gradient) {
    if (record->producer) raise<ValueError>("set_data", "only leaves can be given new data");
    record->shape = source.shape();
    record->dtype = source.dtype();
    record->grad = {};
  }
  impl_->storage = source.impl().storage;
  impl_->shape = source.shape();
  impl_->dtype = source.dtype();
}

const std::shared_ptr<Gradient>& Tensor::gradient_record() const { return impl().gradient; }
void Tensor::set_gradient_record(std::shared_ptr<Gradient> record) {
  impl();
  impl_->gradient = std::move(record);
}

}  // namespace tessera
