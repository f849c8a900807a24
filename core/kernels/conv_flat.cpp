// Flat convolution: forward, and backward to the input by phases, with vectors that run along rows of results over
// pixels and channels alike. For depthwise convolution.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_flat.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_depthwise-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_rows-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// What a tile of one row multiplies: for every entry (tap and source channel) the sources at its offset.
template <class T>
struct FlatTask {
  const int64_t* offsets;
  int64_t entries;
  int64_t step;      ///< numbers of a period
  const T* weights;  ///< [entry][period]
  const T* bias;     ///< a period
  bool rectify;
  T slope;
};

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int max_flat_vectors = 16;
#else
constexpr int max_flat_vectors = 12;
#endif

/// N vectors, each a period from the last, so that they share their weights. Stores nothing from `end` on.
template <int N, class T>
HWY_NOINLINE void flat_tile(const FlatTask<T>& task, int64_t phase, const T* HWY_RESTRICT source,
                            T* HWY_RESTRICT result, const T* end) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), step = task.step;
  using Vec = hn::Vec<decltype(d)>;
  Vec sums[N];
  const Vec bias = hn::LoadU(d, task.bias + phase);
  TESSERA_UNROLL for (int n = 0; n < N; ++n) sums[n] = bias;
  const T* HWY_RESTRICT weights = task.weights + phase;
  for (int64_t entry = 0; entry < task.entries; ++entry, weights += step) {
    const T* HWY_RESTRICT in = source + task.offsets[entry];
    const Vec w = hn::LoadU(d, weights);
    TESSERA_UNROLL for (int n = 0; n < N; ++n) sums[n] = hn::MulAdd(hn::LoadU(d, in + n * step), w, sums[n]);
  }
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int n = 0; n < N; ++n) sums[n] = rectified(sums[n], slope);
  }
  TESSERA_UNROLL for (int n = 0; n < N - 1; ++n) hn::StoreU(sums[n], d, result + n * step);
  T* const last = result + (N - 1) * step;
  if (last + lanes <= end)
    hn::StoreU(sums[N - 1], d, last);
  else
    store_first(sums[N - 1], d, end - last, last);
}

template <class T>
using FlatFunction = void (*)(const FlatTask<T>&, int64_t, const T*, T*, const T*);

template <class T, int... N>
constexpr std::array<FlatFunction<T>, sizeof...(N)> flat_table(std::integer_sequence<int, N...>) {
  return {&flat_tile<N + 1, T>...};
}

/// `count` numbers of a row of results, cut evenly into tiles of each phase of the period.
template <class T>
void flat_row(const FlatTask<T>& task, const T* source, T* result, int64_t count) {
  static constexpr auto table = flat_table<T>(std::make_integer_sequence<int, max_flat_vectors>());
  const int64_t lanes = lane_count<T>(), vectors = divide_up(count, lanes), period = task.step / lanes;
  for (int64_t phase = 0; phase < std::min(period, vectors); ++phase) {
    const int64_t mine = divide_up(vectors - phase, period), tiles = divide_up(mine, max_flat_vectors);
    int64_t at = phase * lanes;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t n = mine / tiles + (tile < mine % tiles);
      table[static_cast<std::size_t>(n - 1)](task, phase * lanes, source + at, result + at, result + count);
      at += n * task.step;
    }
  }
}

/// Rows whose vectors run over pixels and channels alike, all groups at once.
template <class T>
class FlatRows {
 public:
  static constexpr int plan = 2;

  static std::vector<ConvPass> passes(const ConvReading& reading) { return reading.passes(); }

  FlatRows(const ConvReading& reading, const Epilogue<T>& epilogue)
      : reading_(reading),
        channels_{reading.geometry.groups, reading.sources(), reading.results(), reading.all_sources()},
        period_(channels_.period<T>()),
        epilogue_(epilogue),
        bias_(period_) {
    for (int64_t i = 0; i < period_; ++i) bias_.data()[i] = epilogue.bias ? epilogue.bias[i % channels_.width()] : T{0};
  }

  int64_t units() const { return 1; }
  const FlatChannels& channels() const { return channels_; }
  int64_t packed(const ConvPass& pass) const {
    return pass.rows.taps * pass.columns.taps * channels_.sources * period_;
  }

  /// [tap row][tap column][source channel][period]
  void pack(const ConvPass& pass, const T* kernel, T* packed) const {
    const int64_t width = channels_.width();
    for (int64_t row = 0; row < pass.rows.taps; ++row)
      for (int64_t column = 0; column < pass.columns.taps; ++column)
        for (int64_t source = 0; source < channels_.sources; ++source, packed += period_) {
          for (int64_t i = 0; i < width; ++i)
            packed[i] =
                reading_.weight(kernel, pass, row, column, i / channels_.results, source, i % channels_.results);
          for (int64_t i = width; i < period_; ++i) packed[i] = packed[i - width];
        }
  }

  void compute(int64_t, const RowTask<T>& row) const {
    const FlatTask<T> task{row.offsets.data(),
                           static_cast<int64_t>(row.offsets.size()),
                           period_,
                           row.weights,
                           bias_.data(),
                           epilogue_.rectify,
                           epilogue_.slope};
    const int64_t width = channels_.width();
    if (row.step == width) return flat_row(task, row.source, row.result, row.count * width);
    T* const together = scratch<T>(1, row.count * width);
    flat_row(task, row.source, together, row.count * width);
    for (int64_t x = 0; x < row.count; ++x) std::copy_n(together + x * width, width, row.result + x * row.step);
  }

 private:
  ConvReading reading_;
  FlatChannels channels_;
  int64_t period_;  ///< numbers after which a row's vectors begin with the same channel again
  Epilogue<T> epilogue_;
  Buffer<T> bias_;
};

template <class T>
using FlatConvolution = RowConvolution<T, FlatRows<T>>;

void flat_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                      float* output, WeightStore* store) {
  if (is_depthwise<float>(g)) return convolve_depthwise({g, true}, kernel, e, input, output);
  FlatConvolution<float>({g, true}, kernel, e, store).run(input, output);
}
void flat_forward_f64(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                      double* output, WeightStore* store) {
  if (is_depthwise<double>(g)) return convolve_depthwise({g, true}, kernel, e, input, output);
  FlatConvolution<double>({g, true}, kernel, e, store).run(input, output);
}
void flat_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                       float* input, WeightStore* store) {
  if (is_depthwise<float>(g)) return convolve_depthwise({g, false}, kernel, e, output, input);
  FlatConvolution<float>({g, false}, kernel, e, store).run(output, input);
}
void flat_backward_f64(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                       double* input, WeightStore* store) {
  if (is_depthwise<double>(g)) return convolve_depthwise({g, false}, kernel, e, output, input);
  FlatConvolution<double>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(flat_forward_f32);
HWY_EXPORT(flat_forward_f64);
HWY_EXPORT(flat_backward_f32);
HWY_EXPORT(flat_backward_f64);

namespace {

/// Whether more channels than fill a vector of 64 bytes leave a part of their last one empty, where each of a row's
/// sources counts for several results: memory and stores then hold the larger vectors up.
template <class T>
bool runs_narrow(const ConvGeometry& g) {
  const int64_t lanes = 64 / static_cast<int64_t>(sizeof(T));
  return g.stride.width == 1 && g.groups > lanes && g.groups % lanes != 0;
}

}  // namespace

void flat_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                  float* output, WeightStore* store) {
  TESSERA_DISPATCH(flat_forward_f32, runs_narrow<float>(g))(g, input, kernel, e, output, store);
}
void flat_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                  double* output, WeightStore* store) {
  TESSERA_DISPATCH(flat_forward_f64, runs_narrow<double>(g))(g, input, kernel, e, output, store);
}
void flat_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input, WeightStore* store) {
  TESSERA_DISPATCH(flat_backward_f32, runs_narrow<float>(g))(g, output, kernel, e, input, store);
}
void flat_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                         double* input, WeightStore* store) {
  TESSERA_DISPATCH(flat_backward_f64, runs_narrow<double>(g))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
