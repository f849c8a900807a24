// The kernel's gradient by planes: vectors run over pixels of a channel, see conv_planar.cpp.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_planar_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_patch_sums-inl.hpp>
#include <tessera/core/kernels/conv_planar_sums-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

template <class T>
class PlanarWeightGradient {
 public:
  explicit PlanarWeightGradient(const ConvGeometry& g)
      : geometry_(g),
        filters_(g.out_channels / g.groups),
        channels_{1, g.in_channels / g.groups, 1, g.in_channels},
        patches_(g, channels_),
        entries_(g.kernel.height * g.kernel.width * channels_.sources) {}

  void run(const T* input, const T* output, T* kernel_gradient) const {
    const int64_t group_size = entries_ * filters_;
    const int64_t size = geometry_.groups * group_size;
    const Buffer<T> sums(patches_.chunks() * size);
    patches_.run(sums.data(), size, [&](int64_t image, const FlatPatch& patch, T* mine) {
      for (int64_t group = 0; group < geometry_.groups; ++group)
        add_patch(input, output, group, image, patch, mine + group * group_size);
    });
    add_up(sums.data(), kernel_gradient);
  }

 private:
  void add_patch(const T* input, const T* output, int64_t group, int64_t image, const FlatPatch& patch, T* sums) const {
    const Size2D &input_size = geometry_.input, &output_size = geometry_.output;
    const int64_t rows = patch.rows, columns = patch.columns;
    FlatBand<T> band(
        input + image * input_size.height * input_size.width * geometry_.in_channels + group * channels_.sources,
        input_size, channels_, patches_.joined(), patch);
    const std::vector<int64_t> offsets = flat_offsets(band, channels_, patches_.joined(), patches_.pass());
    T* const gradient = scratch<T>(1, rows * filters_ * columns);
    for (int64_t y = 0; y < rows; ++y)
      split_pixels(output +
                       ((image * output_size.height + patch.first_row + y) * output_size.width + patch.first_column) *
                           geometry_.out_channels +
                       group * filters_,
                   geometry_.out_channels, columns, filters_, gradient + y * filters_ * columns, columns);
    const PlanarSumTask task{rows, patches_.pass().rows.stride * band.row_size(), filters_ * columns, columns, columns};
    planar_sums(task, band.load(band.rows()), offsets, gradient, filters_, sums);
  }

  /// Adds the chunks' sums in order.
  void add_up(const T* sums, T* kernel_gradient) const {
    const int64_t count = geometry_.groups * entries_ * filters_;
    parallel_ranges(
        count, std::max<int64_t>(elementwise_grain / patches_.chunks(), 1), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t group = i / filters_ / entries_, entry = i / filters_ % entries_, filter = i % filters_;
            T total{0};
            for (int64_t chunk = 0; chunk < patches_.chunks(); ++chunk) total += sums[chunk * count + i];
            kernel_gradient[entry * geometry_.out_channels + group * filters_ + filter] = total;
          }
        });
  }

  ConvGeometry geometry_;
  int64_t filters_;        ///< of a group
  FlatChannels channels_;  ///< of a group's sources
  PatchSums<T> patches_;
  int64_t entries_;  ///< taps times source channels of a group
};

void planar_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  PlanarWeightGradient<float>(g).run(input, output, gradient);
}
void planar_kernel_f64(const ConvGeometry& g, const double* input, const double* output, double* gradient) {
  PlanarWeightGradient<double>(g).run(input, output, gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(planar_kernel_f32);
HWY_EXPORT(planar_kernel_f64);

void planar_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(planar_kernel_f32, has_short_rows(g.output))(g, input, output, kernel_gradient);
}
void planar_backward_kernel(const ConvGeometry& g, const double* input, const double* output, double* kernel_gradient) {
  TESSERA_DISPATCH(planar_kernel_f64, has_short_rows(g.output))(g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
