// Included once per SIMD target: rows of sources whose channels are split into blocks.
#if defined(TESSERA_CONV_BLOCKS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_BLOCKS_INL
#undef TESSERA_CONV_BLOCKS_INL
#else
#define TESSERA_CONV_BLOCKS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_squares-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// A band that lies there once for every block of a pixel's channels.
struct BlockBand {
  const float* data;     ///< as in Band, of the first block
  int64_t row_stride;    ///< elements
  int64_t block_stride;  ///< from one block's band to the next one's
};

/// Up to four channels of `count` pixels, `step` elements apart, to places `block` elements apart.
HWY_INLINE void copy_few(const float* HWY_RESTRICT from, int64_t step, int64_t channels, int64_t count,
                         float* HWY_RESTRICT to, int64_t block) {
  const hn::CappedTag<float, 4> d;
  if constexpr (hn::MaxLanes(d) == 4) {
    // What is read beyond a pixel belongs to the next, whose numbers overwrite it.
    for (; count > 1; --count, from += step, to += block) hn::StoreU(hn::LoadU(d, from), d, to);
  }
  for (; count > 0; --count, from += step, to += block) std::copy_n(from, channels, to);
}

/// copy_band, split into blocks of so many channels, or all of them in one. Planes of single channels or blocks of up
/// to four.
inline BlockBand copy_blocks(const SourceImage<float>& image, int64_t block, int64_t first_row, int64_t rows,
                             int64_t first_column, int64_t columns) {
  const int64_t channels = image.channels;
  if (block == channels) {
    const Band<float> band = copy_band(image, first_row, rows, first_column, columns, channels);
    return {band.data, band.row_stride, 0};
  }
  const int64_t lanes = lane_count<float>(), blocks = divide_up(channels, block);
  const int64_t vectors = divide_up(columns * block, lanes) + 1, row_stride = (vectors + (vectors % 8 == 0)) * lanes;
  const int64_t block_stride = rows * row_stride;
  float* const band = scratch<float>(0, blocks * block_stride + block_width<float>());
  const int64_t begin = std::clamp<int64_t>(-first_column, 0, columns);
  const int64_t end = std::clamp<int64_t>(image.width - first_column, begin, columns);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t y = first_row + row;
    const bool inside = y >= 0 && y < image.height && begin < end;
    const float* const source = inside ? image.data + (y * image.width + first_column + begin) * image.stride : nullptr;
    float* const target = band + row * row_stride;
    for (int64_t b = 0; b < blocks; ++b) {
      float* const line = target + b * block_stride;
      clear_vectors(line, (inside ? begin : columns) * block);
      if (!inside) continue;
      clear_vectors(line + end * block, (columns - end) * block);
      if (block > 1)
        copy_few(source + b * block, image.stride, std::min(block, channels - b * block), end - begin,
                 line + begin * block, block);
    }
    if (inside && block == 1) split_pixels(source, image.stride, end - begin, channels, target + begin, block_stride);
  }
  return {band, row_stride, block_stride};
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
