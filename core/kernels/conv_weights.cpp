// The kernel's gradient: for every tap, source channels times result gradients summed over all pixels.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_sum-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Result pixels whose sources and gradients the L1 cache holds.
constexpr int64_t cached_pixels = 128;

/// Elements from one source pixel to the next. Pixels that are summed a power of two of cache lines apart would share a
/// few sets of the L1 cache; there each gets an odd number of lines.
template <class T>
int64_t spread_step(int64_t channels, int64_t stride) {
  constexpr int64_t line = 64 / sizeof(T);
  return channels * stride < 4 * line ? channels : (divide_up(channels, line) | 1) * line;
}

template <class T>
class WeightGradient {
 public:
  explicit WeightGradient(const ConvGeometry& geometry)
      : geometry_(geometry),
        pass_(forward_pass(geometry)),
        sources_(geometry.in_channels / geometry.groups),
        results_(geometry.out_channels / geometry.groups),
        block_(results_ <= lane_count<T>() ? lane_count<T>() : block_width<T>()),
        padded_(divide_up(results_, block_) * block_),
        rows_(band_rows(pass_, sources_, sizeof(T))),
        bands_(divide_up(pass_.rows.count, rows_)),
        entries_(geometry.kernel.height * geometry.kernel.width * sources_),
        pixel_step_(spread_step<T>(sources_, geometry.stride.width)) {
    // Each chunk of bands sums into a kernel of its own. Many chunks keep all threads busy; few keep large kernels in
    // cache and then share out blocks of channels instead. All by shape alone, so that no thread count changes a bit.
    const int64_t units = std::max<int64_t>(geometry.batch * bands_, 1);
    const int64_t size = entries_ * padded_ * geometry.groups;
    chunks_ = std::clamp<int64_t>((int64_t{640} * 1024) / size, 1, std::min<int64_t>(units, 8));
    parts_ = std::clamp<int64_t>(divide_up(8, chunks_), 1, geometry.groups * padded_ / block_);
  }

  void run(const T* input, const T* output, T* kernel_gradient) {
    const int64_t size = geometry_.groups * entries_ * padded_;
    const Buffer<T> sums(chunks_ * size);
    const int64_t blocks = geometry_.groups * padded_ / block_, units = geometry_.batch * bands_;
    parallel_for(chunks_ * parts_, [&](int64_t item) {
      const int64_t chunk = item / parts_, part = item % parts_;
      const int64_t first = blocks * part / parts_, last = blocks * (part + 1) / parts_;
      T* mine = sums.data() + chunk * size;
      std::fill(mine + first * entries_ * block_, mine + last * entries_ * block_, T{0});
      for (int64_t unit = units * chunk / chunks_; unit < units * (chunk + 1) / chunks_; ++unit)
        add_band(input, output, unit / bands_, unit % bands_, first, last, mine);
    });
    add_up(sums.data(), kernel_gradient);
  }

 private:
  /// Adds one band of one image to blocks first .. last - 1 of `sums` [block][tap row][tap column][source][block
  /// width].
  void add_band(const T* input, const T* output, int64_t image, int64_t band, int64_t first, int64_t last,
                T* sums) const {
    const auto& [rows, columns] = pass_;
    const int64_t blocks_per_group = padded_ / block_;
    const int64_t first_row = band * rows_, count = std::min(rows_, rows.count - first_row);
    for (int64_t group = first / blocks_per_group; group <= (last - 1) / blocks_per_group; ++group) {
      const SourceImage<T> source{
          input + image * geometry_.input.height * geometry_.input.width * geometry_.in_channels + group * sources_,
          geometry_.input.height, geometry_.input.width, sources_, geometry_.in_channels};
      const Band<T> x = load_band(source, rows.first_source(first_row), rows.source_span(count), columns.offset,
                                  columns.source_span(columns.count), pixel_step_);
      const int64_t from = std::max(first, group * blocks_per_group),
                    to = std::min(last, (group + 1) * blocks_per_group);
      for (int64_t b = from; b < to; ++b) {
        const int64_t channel = group * results_ + (b - group * blocks_per_group) * block_;
        const int64_t width = std::min(block_, (group + 1) * results_ - channel);
        const T* g = output +
                     ((image * geometry_.output.height + first_row) * geometry_.output.width) * geometry_.out_channels +
                     channel;
        int64_t gradient_step = geometry_.out_channels;
        if (width < block_ || (pixel_step_ != sources_ && gradient_step != block_)) {
          g = copied_gradient(g, count * columns.count, width);
          gradient_step = block_;
        }
        // A few rows at a time, whose pixels stay in the L1 cache while every entry of every tap is summed over them.
        const int64_t pass_rows =
            pixel_step_ == sources_ ? count : std::clamp<int64_t>(cached_pixels / columns.count, 1, count);
        for (int64_t y = 0; y < count; y += pass_rows)
          add_rows({std::min(pass_rows, count - y), columns.count, rows.stride * x.row_stride,
                    columns.stride * pixel_step_, columns.count * gradient_step, gradient_step},
                   x.data + y * rows.stride * x.row_stride, x.row_stride, g + y * columns.count * gradient_step,
                   sums + b * entries_ * block_, width);
      }
    }
  }

  /// Adds the pixels of one task to a block of `sums`, for every entry of every tap.
  void add_rows(const PixelTask<T>& task, const T* x, int64_t row_stride, const T* gradient, T* sums,
                int64_t channels) const {
    const auto& [rows, columns] = pass_;
    // Taps side by side are one run of entries.
    const bool joined = columns.dilation == 1 && pixel_step_ == sources_;
    const int64_t runs = joined ? 1 : columns.taps, length = joined ? columns.taps * sources_ : sources_;
    for (int64_t tap_row = 0; tap_row < rows.taps; ++tap_row)
      for (int64_t run = 0; run < runs; ++run, sums += length * block_)
        sum_run(task, x + tap_row * rows.dilation * row_stride + run * columns.dilation * pixel_step_, gradient, length,
                sums, block_, channels);
  }

  /// One block of the gradient's channels, with zeros behind one that is cut short, in scratch slot 1.
  const T* copied_gradient(const T* gradient, int64_t pixels, int64_t width) const {
    T* copy = scratch<T>(1, pixels * block_);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      if (width <= block_ - lane_count<T>())
        std::fill(copy + pixel * block_ + lane_count<T>(), copy + (pixel + 1) * block_, T{0});
      copy_pixel(gradient + pixel * geometry_.out_channels, width, copy + pixel * block_);
    }
    return copy;
  }

  /// Adds the chunks' sums in order and puts them into the kernel's layout [kh, kw, in/groups, out].
  void add_up(const T* sums, T* kernel_gradient) const {
    const int64_t blocks_per_group = padded_ / block_;
    const int64_t size = geometry_.groups * entries_ * padded_;
    const int64_t blocks = geometry_.groups * blocks_per_group;
    parallel_ranges(entries_ * blocks, std::max<int64_t>(elementwise_grain / (block_ * chunks_), 1),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t item = begin; item < end; ++item) {
                        const int64_t entry = item / blocks, b = item % blocks;
                        const int64_t group = b / blocks_per_group, first = b % blocks_per_group * block_;
                        T* target = kernel_gradient + entry * geometry_.out_channels + group * results_ + first;
                        const int64_t width = std::min(block_, results_ - first);
                        std::fill(target, target + width, T{0});
                        for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
                          const T* term = sums + chunk * size + (b * entries_ + entry) * block_;
                          for (int64_t i = 0; i < width; ++i) target[i] += term[i];
                        }
                      }
                    });
  }

  ConvGeometry geometry_;
  ConvPass pass_;
  int64_t sources_, results_;  ///< channels of one group
  int64_t block_;              ///< channels of a block: two vectors, or one where that holds them all
  int64_t padded_;             ///< results_ rounded up to whole blocks
  int64_t rows_, bands_;       ///< result rows of a band, bands of an image
  int64_t entries_;            ///< taps times source channels
  int64_t pixel_step_;         ///< elements from one source pixel to the next
  int64_t chunks_, parts_;
};

void direct_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  WeightGradient<float>(g).run(input, output, gradient);
}
void direct_kernel_f64(const ConvGeometry& g, const double* input, const double* output, double* gradient) {
  WeightGradient<double>(g).run(input, output, gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {
namespace {

/// A 1x1 kernel's sums are long, whatever its vectors run over.
template <class T>
bool has_narrow_filters(const ConvGeometry& g) {
  return are_narrow<T>(g.out_channels / g.groups, g.kernel == Size2D(1) ? 0 : 24);
}

}  // namespace

HWY_EXPORT(direct_kernel_f32);
HWY_EXPORT(direct_kernel_f64);

void direct_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(direct_kernel_f32, has_narrow_filters<float>(g))
  (g, input, output, kernel_gradient);
}
void direct_backward_kernel(const ConvGeometry& g, const double* input, const double* output, double* kernel_gradient) {
  TESSERA_DISPATCH(direct_kernel_f64, has_narrow_filters<double>(g))
  (g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
