#include <tessera/core/ops/accumulate.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera {

void accumulate(Tensor& sum, const Tensor& addend) {
  dispatch_float(sum.dtype(), "accumulate", [&](auto zero) {
    using T = decltype(zero);
    Tensor target = sum.is_unique() ? sum : Tensor::empty(sum.shape(), sum.dtype());
    const T *a = sum.data<T>(), *b = addend.data<T>();
    T* out = target.mutable_data<T>();
    parallel_ranges(sum.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
    });
    sum = target;
  });
}

}  // namespace tessera
