// The kernel's gradient by flat rows: vectors run over pixels and channels alike, see conv_flat.cpp.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_flat_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_depthwise-inl.hpp>
#include <tessera/core/kernels/conv_patch_sums-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// The numbers that one tile sums over: of each row every period's vector that begins at one place.
template <class T>
struct FlatSumTask {
  int64_t rows, source_row, gradient_row;  ///< rows of results, and elements from one to the next
  int64_t step;                            ///< elements of a period
  int64_t whole;                           ///< whole vectors of a row
  int64_t rest;                            ///< numbers of the vector after them
};

/// Entries whose sums and places fit the registers.
constexpr int max_flat_entries = 9;

/// sums[entry] += sources at its offset times gradients.
template <int E, class T>
HWY_NOINLINE void flat_sum_tile(const FlatSumTask<T>& task, const T* HWY_RESTRICT source, const int64_t* offsets,
                                const T* HWY_RESTRICT gradient, T* HWY_RESTRICT sums) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  Vec acc[E];
  const T* from[E];
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    acc[e] = hn::LoadU(d, sums + e * task.step);
    from[e] = source + offsets[e];
  }
  for (int64_t row = 0; row < task.rows; ++row) {
    const T* HWY_RESTRICT g = gradient + row * task.gradient_row;
    int64_t at = row * task.source_row;
    for (int64_t n = 0; n < task.whole; ++n, g += task.step, at += task.step) {
      const Vec value = hn::LoadU(d, g);
      TESSERA_UNROLL for (int e = 0; e < E; ++e) acc[e] = hn::MulAdd(hn::LoadU(d, from[e] + at), value, acc[e]);
    }
    if (task.rest == 0) continue;
    // Both by their first numbers: what stands behind the sources may be anything.
    const Vec value = load_first(d, task.rest, g);
    TESSERA_UNROLL for (int e = 0; e < E; ++e) acc[e] =
        hn::MulAdd(load_first(d, task.rest, from[e] + at), value, acc[e]);
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) hn::StoreU(acc[e], d, sums + e * task.step);
}

template <class T>
using FlatSumFunction = void (*)(const FlatSumTask<T>&, const T*, const int64_t*, const T*, T*);

template <class T, int... E>
constexpr std::array<FlatSumFunction<T>, sizeof...(E)> flat_sum_table(std::integer_sequence<int, E...>) {
  return {&flat_sum_tile<E + 1, T>...};
}

template <class T>
class FlatWeightGradient {
 public:
  explicit FlatWeightGradient(const ConvGeometry& g)
      : geometry_(g),
        channels_{g.groups, g.in_channels / g.groups, g.out_channels / g.groups, g.in_channels},
        patches_(g, channels_),
        entries_(g.kernel.height * g.kernel.width * channels_.sources),
        period_(channels_.period<T>()) {}

  void run(const T* input, const T* output, T* kernel_gradient) const {
    const int64_t size = entries_ * period_;
    const Buffer<T> sums(patches_.chunks() * size);
    patches_.run(sums.data(), size,
                 [&](int64_t image, const FlatPatch& patch, T* mine) { add_patch(input, output, image, patch, mine); });
    add_up(sums.data(), kernel_gradient);
  }

 private:
  void add_patch(const T* input, const T* output, int64_t image, const FlatPatch& patch, T* sums) const {
    static constexpr auto table = flat_sum_table<T>(std::make_integer_sequence<int, max_flat_entries>());
    const Size2D &input_size = geometry_.input, &output_size = geometry_.output;
    FlatBand<T> band(input + image * input_size.height * input_size.width * geometry_.in_channels, input_size,
                     channels_, patches_.joined(), patch);
    const int64_t width = channels_.width(), lanes = lane_count<T>();
    const T* const gradient =
        output + ((image * output_size.height + patch.first_row) * output_size.width + patch.first_column) * width;
    const std::vector<int64_t> offsets = flat_offsets(band, channels_, patches_.joined(), patches_.pass());
    const int64_t whole = patch.columns * width / lanes, rest = patch.columns * width % lanes, period = period_ / lanes;
    const int64_t tiles = divide_up(entries_, max_flat_entries);
    for (int64_t phase = 0; phase < std::min(period, whole + (rest > 0)); ++phase) {
      const int64_t at = phase * lanes;
      const FlatSumTask<T> task{patch.rows,
                                patches_.pass().rows.stride * band.row_size(),
                                output_size.width * width,
                                period_,
                                divide_up(whole - phase, period),
                                whole % period == phase ? rest : 0};
      int64_t entry = 0;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t count = entries_ / tiles + (tile < entries_ % tiles);
        table[static_cast<std::size_t>(count - 1)](task, band.load(band.rows()) + at, offsets.data() + entry,
                                                   gradient + at, sums + entry * period_ + at);
        entry += count;
      }
    }
  }

  /// Adds the chunks' sums, and those of a channel's places in a period, in order.
  void add_up(const T* sums, T* kernel_gradient) const {
    const int64_t width = channels_.width(), size = entries_ * period_;
    parallel_ranges(entries_, std::max<int64_t>(elementwise_grain / (period_ * patches_.chunks()), 1),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t entry = begin; entry < end; ++entry) {
                        T* const target = kernel_gradient + entry * width;
                        std::fill(target, target + width, T{0});
                        for (int64_t chunk = 0; chunk < patches_.chunks(); ++chunk) {
                          const T* const terms = sums + chunk * size + entry * period_;
                          for (int64_t first = 0; first < period_; first += width)
                            for (int64_t i = 0; i < width; ++i) target[i] += terms[first + i];
                        }
                      }
                    });
  }

  ConvGeometry geometry_;
  FlatChannels channels_;
  PatchSums<T> patches_;
  int64_t entries_;  ///< taps times source channels of a group
  int64_t period_;   ///< numbers after which a row's vectors begin with the same channel again
};

void flat_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  if (is_depthwise<float>(g) && g.stride.width > 1) return depthwise_kernel_gradient(g, input, output, gradient);
  FlatWeightGradient<float>(g).run(input, output, gradient);
}
void flat_kernel_f64(const ConvGeometry& g, const double* input, const double* output, double* gradient) {
  if (is_depthwise<double>(g) && g.stride.width > 1) return depthwise_kernel_gradient(g, input, output, gradient);
  FlatWeightGradient<double>(g).run(input, output, gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(flat_kernel_f32);
HWY_EXPORT(flat_kernel_f64);

void flat_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  HWY_DYNAMIC_DISPATCH(flat_kernel_f32)(g, input, output, kernel_gradient);
}
void flat_backward_kernel(const ConvGeometry& g, const double* input, const double* output, double* kernel_gradient) {
  HWY_DYNAMIC_DISPATCH(flat_kernel_f64)(g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
