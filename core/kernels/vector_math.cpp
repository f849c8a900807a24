#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/vector_math.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <tessera/core/kernels/vector_math.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Highway's functions turn a NaN into a number; here it must come through.
template <class T, class F>
HWY_INLINE void map(const T* x, T* y, std::int64_t count, F&& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto value = [&](const T* from) {
    const auto a = hn::LoadU(d, from);
    return hn::IfThenElse(hn::Eq(a, a), f(d, a), a);
  };
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(value(x + i), d, y + i);
  if (i == count) return;
  T rest[HWY_MAX_BYTES / sizeof(T)];
  std::fill(rest, rest + lanes, T{1});
  std::copy(x + i, x + count, rest);
  hn::StoreU(value(rest), d, rest);
  std::copy(rest, rest + (count - i), y + i);
}

void exp_f32(const float* x, float* y, std::int64_t count) {
  map(x, y, count, [](auto d, auto a) { return hn::Exp(d, a); });
}
void exp_f64(const double* x, double* y, std::int64_t count) {
  map(x, y, count, [](auto d, auto a) { return hn::Exp(d, a); });
}
void log_f32(const float* x, float* y, std::int64_t count) {
  map(x, y, count, [](auto d, auto a) { return hn::Log(d, a); });
}
void log_f64(const double* x, double* y, std::int64_t count) {
  map(x, y, count, [](auto d, auto a) { return hn::Log(d, a); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(exp_f32);
HWY_EXPORT(exp_f64);
HWY_EXPORT(log_f32);
HWY_EXPORT(log_f64);

template <>
void exp_all(const float* x, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(exp_f32)(x, y, count);
}
template <>
void exp_all(const double* x, double* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(exp_f64)(x, y, count);
}
template <>
void log_all(const float* x, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(log_f32)(x, y, count);
}
template <>
void log_all(const double* x, double* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(log_f64)(x, y, count);
}

}  // namespace tessera::kernels
#endif
