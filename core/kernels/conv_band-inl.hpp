// Included once per SIMD target, inside no namespace: what the convolution kernels share.
#if defined(TESSERA_CONV_BAND_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_BAND_INL
#undef TESSERA_CONV_BAND_INL
#else
#define TESSERA_CONV_BAND_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::int64_t;

/// One image (or one group's channels of it) as a kernel reads it: rows * columns pixels, `stride` elements apart.
template <class T>
struct SourceImage {
  const T* data;
  int64_t height, width, channels, stride;
};

/// The rows that a band of results reads, with zeros where the image ends.
template <class T>
struct Band {
  const T* data;       ///< first tap row of the first result row, first tap column of the first result column
  int64_t row_stride;  ///< elements
};

/// `count` zeros, and more up to a whole number of vectors.
template <class T>
HWY_INLINE void clear_vectors(T* to, int64_t count) {
  const hn::ScalableTag<T> d;
  if (count <= 0) return;
  hn::StoreU(hn::Zero(d), d, to);  // mostly all: a loop would become a call of memset
  for (int64_t i = lane_count<T>(); i < count; i += lane_count<T>()) hn::StoreU(hn::Zero(d), d, to + i);
}

/// Rows first_row .. first_row + rows - 1 and columns likewise, as contiguous pixels in this thread's scratch slot 0
/// (10 rows for 8 of results: it stays in L2), with zeros behind each and a block of them behind the last. A step above
/// the channels leaves gaps, which are never read.
template <class T>
Band<T> copy_band(const SourceImage<T>& image, int64_t first_row, int64_t rows, int64_t first_column, int64_t columns,
                  int64_t pixel_step) {
  const int64_t lanes = lane_count<T>(), channels = image.channels;
  // Rows of whole vectors that do not fall into the same few sets of the L1 cache.
  const int64_t vectors = divide_up(columns * pixel_step, lanes), row_stride = (vectors + (vectors % 8 == 0)) * lanes;
  const int64_t begin = std::clamp<int64_t>(-first_column, 0, columns);
  // What is copied begins with whole vectors. Each pixel's copy may run over into the next.
  const int64_t shift = (lanes - begin * pixel_step % lanes) % lanes;
  T* const band = scratch<T>(0, shift + rows * row_stride + block_width<T>()) + shift;
  const int64_t end = std::clamp<int64_t>(image.width - first_column, begin, columns);
  for (int64_t row = 0; row < rows; ++row) {
    T* target = band + row * row_stride;
    const int64_t y = first_row + row;
    if (y < 0 || y >= image.height) {
      std::fill(target, target + row_stride, T{0});
      continue;
    }
    const T* source = image.data + (y * image.width + first_column + begin) * image.stride;
    clear_vectors(target, begin * pixel_step);
    if (image.stride == pixel_step) {
      copy_pixel(source, (end - begin) * channels, target + begin * channels);
    } else {
      for (int64_t x = begin; x < end; ++x, source += image.stride)
        copy_pixel(source, channels, target + x * pixel_step);
    }
    clear_vectors(target + end * pixel_step, row_stride - end * pixel_step);
  }
  clear_vectors(band + rows * row_stride, block_width<T>());
  return {band, row_stride};
}

/// The same, or the image itself where it holds all of them `pixel_step` elements apart.
template <class T>
Band<T> load_band(const SourceImage<T>& image, int64_t first_row, int64_t rows, int64_t first_column, int64_t columns,
                  int64_t pixel_step) {
  const bool inside =
      first_row >= 0 && first_row + rows <= image.height && first_column >= 0 && first_column + columns <= image.width;
  if (inside && image.stride == pixel_step)
    return {image.data + (first_row * image.width + first_column) * pixel_step, image.width * pixel_step};
  return copy_band(image, first_row, rows, first_column, columns, pixel_step);
}

/// Result rows of one band: at most 8, and few enough that what they read stays in half of a small L2.
inline int64_t band_rows(const ConvPass& pass, int64_t channels, std::size_t element) {
  const int64_t row_bytes =
      std::max<int64_t>(pass.columns.source_span(pass.columns.count) * channels * static_cast<int64_t>(element), 1);
  const int64_t fitting =
      (int64_t{256} * 1024 / row_bytes - (pass.rows.taps - 1) * pass.rows.dilation) / pass.rows.stride;
  const int64_t rows = std::clamp<int64_t>(fitting, 1, 8);
  const int64_t bands = divide_up(pass.rows.count, rows);
  return divide_up(pass.rows.count, std::max<int64_t>(bands, 1));
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
