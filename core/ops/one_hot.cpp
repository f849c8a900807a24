#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/one_hot.hpp>

namespace tessera {

Tensor one_hot(const Tensor& labels, std::int64_t classes, DType dtype) {
  if (classes < 1) raise<ValueError>("one_hot", "expected 1 or more classes, got {}", classes);
  if (is_float(labels.dtype()))
    raise<ValueError>("one_hot", "expected labels of type i32 or u8, got {}", name_of(labels.dtype()));
  std::vector<std::int64_t> sizes(labels.shape().begin(), labels.shape().end());
  sizes.push_back(classes);
  Tensor y = Tensor::zeros(Shape(sizes), dtype);
  dispatch_all(labels.dtype(), [&](auto label_zero) {
    const auto* label = labels.data<decltype(label_zero)>();
    dispatch_all(dtype, [&](auto zero) {
      using T = decltype(zero);
      T* out = y.mutable_data<T>();
      for (std::int64_t i = 0; i < labels.numel(); ++i, out += classes) {
        const auto at = static_cast<std::int64_t>(label[i]);
        if (at < 0 || at >= classes)
          raise<ValueError>("one_hot", "expected labels from 0 to {}, got {} at element {} of {}", classes - 1, at, i,
                            labels.shape().str());
        out[at] = T{1};
      }
    });
  });
  return record_constant("one_hot", y, {labels}, {{"classes", classes}});
}

}  // namespace tessera
