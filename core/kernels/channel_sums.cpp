#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/channel_sums.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <algorithm>
#include <tessera/core/kernels/channel_sums.hpp>
#include <tessera/core/kernels/lanes-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::int64_t;

/// Calls `value(offset)` for every vector of every row and adds up what it returns by channel, unless sums is null.
template <class D, class Value>
void sum_vectors(D d, int64_t rows, int64_t channels, hn::TFromD<D>* sums, Value&& value) {
  using T = hn::TFromD<D>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t grain = std::max<int64_t>(elementwise_grain / std::max<int64_t>(channels, 1), 1);
  const int64_t chunks = (rows + grain - 1) / grain;
  const Buffer<T> partial(std::max<int64_t>(chunks * channels, 1));
  parallel_ranges(rows, grain, [&](int64_t begin, int64_t end) {
    T* mine = partial.data() + begin / grain * channels;
    int64_t c = 0;
    for (; c + 2 * lanes <= channels; c += 2 * lanes) {  // two vectors are a cache line
      auto first = hn::Zero(d), second = hn::Zero(d);
      for (int64_t at = begin * channels + c; at < end * channels; at += channels) {
        first = hn::Add(first, value(at));
        second = hn::Add(second, value(at + lanes));
      }
      hn::StoreU(first, d, mine + c);
      hn::StoreU(second, d, mine + c + lanes);
    }
    for (; c < channels; c += lanes) {
      auto sum = hn::Zero(d);
      for (int64_t at = begin * channels + c; at < end * channels; at += channels) sum = hn::Add(sum, value(at));
      hn::StoreU(sum, d, mine + c);
    }
  });
  if (!sums) return;
  std::fill(sums, sums + channels, T{0});
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t c = 0; c < channels; ++c) sums[c] += partial.data()[chunk * channels + c];
}

template <class T>
void sum_channels(const T* values, int64_t rows, int64_t channels, T* sums) {
  with_lanes<T>(channels, [&](auto d) {
    sum_vectors(d, rows, channels, sums, [=](int64_t at) { return hn::LoadU(d, values + at); });
  });
}

template <class T>
void rectify(const T* y, const T* grad_y, T slope, int64_t rows, int64_t channels, T* grad, T* sums) {
  with_lanes<T>(channels, [&](auto d) {
    sum_vectors(d, rows, channels, sums, [=](int64_t at) {
      const auto upstream = hn::LoadU(d, grad_y + at);
      const auto passed =
          hn::IfThenElse(hn::Gt(hn::LoadU(d, y + at), hn::Zero(d)), upstream, hn::Mul(upstream, hn::Set(d, slope)));
      hn::StoreU(passed, d, grad + at);
      return passed;
    });
  });
}

// Dispatch wants functions, not templates.
void sum_f32(const float* values, int64_t rows, int64_t channels, float* sums) {
  sum_channels(values, rows, channels, sums);
}
void sum_f64(const double* values, int64_t rows, int64_t channels, double* sums) {
  sum_channels(values, rows, channels, sums);
}
void rectify_f32(const float* y, const float* grad_y, float slope, int64_t rows, int64_t channels, float* grad,
                 float* sums) {
  rectify(y, grad_y, slope, rows, channels, grad, sums);
}
void rectify_f64(const double* y, const double* grad_y, double slope, int64_t rows, int64_t channels, double* grad,
                 double* sums) {
  rectify(y, grad_y, slope, rows, channels, grad, sums);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(sum_f32);
HWY_EXPORT(sum_f64);
HWY_EXPORT(rectify_f32);
HWY_EXPORT(rectify_f64);

template <>
void channel_sums(const float* values, std::int64_t rows, std::int64_t channels, float* sums) {
  HWY_DYNAMIC_DISPATCH(sum_f32)(values, rows, channels, sums);
}
template <>
void channel_sums(const double* values, std::int64_t rows, std::int64_t channels, double* sums) {
  HWY_DYNAMIC_DISPATCH(sum_f64)(values, rows, channels, sums);
}
template <>
void rectified_gradient(const float* y, const float* grad_y, float slope, std::int64_t rows, std::int64_t channels,
                        float* grad, float* sums) {
  HWY_DYNAMIC_DISPATCH(rectify_f32)(y, grad_y, slope, rows, channels, grad, sums);
}
template <>
void rectified_gradient(const double* y, const double* grad_y, double slope, std::int64_t rows, std::int64_t channels,
                        double* grad, double* sums) {
  HWY_DYNAMIC_DISPATCH(rectify_f64)(y, grad_y, slope, rows, channels, grad, sums);
}

}  // namespace tessera::kernels
#endif
