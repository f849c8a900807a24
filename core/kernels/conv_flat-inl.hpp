// Included once per SIMD target: a layout of sources for vectors that run along a row of results, over pixels and
// channels alike, so that no lane stays empty however few channels there are.
#if defined(TESSERA_CONV_FLAT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_FLAT_INL
#undef TESSERA_CONV_FLAT_INL
#else
#define TESSERA_CONV_FLAT_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <numeric>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Results that a chunk of work makes: rows and columns of all passes.
struct FlatPatch {
  int64_t first_row, first_column, rows, columns;
};

/// Channels of a pixel as flat rows see them: every group has `sources` that its `results` are summed from.
struct FlatChannels {
  int64_t groups, sources, results;

  int64_t width() const { return groups * results; }
  /// Numbers after which a row's vectors begin with the same channel again.
  template <class T>
  int64_t period() const {
    return std::lcm(width(), lane_count<T>());
  }
};

/// Rows of sources laid out [row][source channel of a group][column phase][column][group and result]: where the numbers
/// of a result's pixel would stand there stands, for each, the source that it is multiplied from. Phase p of `stride`
/// holds columns p, p + stride, ..., so that results side by side find their sources side by side.
template <class T>
struct FlatBand {
  const T* data;
  int64_t line, row;  ///< elements of one phase of a channel's row, and of a row of all

  /// Elements from a result's place to the source that `row` rows and `column` columns after its first it is
  /// multiplied from.
  int64_t offset(int64_t source, int64_t row_index, int64_t column, int64_t stride, int64_t width) const {
    return row_index * row + (source * stride + column % stride) * line + column / stride * width;
  }
};

/// One pixel's sources, each as often as its group has results; `step` elements between source channels. Writes up to a
/// vector more than that.
template <class T>
HWY_INLINE void spread_pixel(const T* HWY_RESTRICT pixel, const FlatChannels& channels, int64_t step,
                             T* HWY_RESTRICT to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), results = channels.results;
  if (results == 1 && channels.sources == 1) return copy_pixel(pixel, channels.groups, to);
  for (int64_t group = 0; group < channels.groups; ++group, to += results)
    for (int64_t source = 0; source < channels.sources; ++source, ++pixel) {
      T* target = to + source * step;
      if (results == 1) {
        *target = *pixel;
        continue;
      }
      const auto value = hn::Set(d, *pixel);
      for (int64_t r = 0; r < results; r += lanes) hn::StoreU(value, d, target + r);
    }
}

/// The sources of an image that a patch of results reads, zeros beyond its border, in this thread's scratch slot 0.
/// Each line ends with a vector of slack, which holds anything.
template <class T>
FlatBand<T> load_flat(const T* image, Size2D size, const FlatChannels& channels, const JoinedPasses& joined,
                      const FlatPatch& patch) {
  const int64_t row_stride = joined.passes.front().rows.stride, stride = joined.passes.front().columns.stride;
  const int64_t first_row = patch.first_row * row_stride + joined.offset_y;
  const int64_t first_column = patch.first_column * stride + joined.offset_x;
  const int64_t rows = (patch.rows - 1) * row_stride + joined.reach_y;
  const int64_t columns = (patch.columns - 1) * stride + joined.reach_x;
  const int64_t width = channels.width(), all_sources = channels.groups * channels.sources;
  const int64_t line = divide_up(columns, stride) * width + lane_count<T>();
  const int64_t step = stride * line, row_size = channels.sources * step;
  T* const band = scratch<T>(0, rows * row_size);
  const int64_t begin = std::clamp<int64_t>(-first_column, 0, columns);
  const int64_t end = std::clamp<int64_t>(size.width - first_column, begin, columns);
  for (int64_t row = 0; row < rows; ++row) {
    T* const target = band + row * row_size;
    const int64_t y = first_row + row;
    if (y < 0 || y >= size.height) {
      std::fill(target, target + row_size, T{0});
      continue;
    }
    const T* const source = image + (y * size.width + first_column) * all_sources;
    if (stride == 1 && channels.sources == 1 && channels.results == 1) {
      std::copy(source + begin * width, source + end * width, target + begin * width);
    } else {
      for (int64_t phase = 0; phase < stride; ++phase)
        for (int64_t x = begin + (phase + stride - begin % stride) % stride; x < end; x += stride)
          spread_pixel(source + x * all_sources, channels, step, target + phase * line + x / stride * width);
    }
    const auto clear = [&](int64_t from, int64_t to) {
      for (int64_t x = from; x < to; ++x)
        for (int64_t c = 0; c < channels.sources; ++c)
          std::fill_n(target + c * step + x % stride * line + x / stride * width, width, T{0});
    };
    clear(0, begin);
    clear(end, columns);
  }
  return {band, line, row_size};
}

/// For every entry (tap and source channel) of a pass, the elements from a result's place to the source of that.
template <class T>
std::vector<int64_t> flat_offsets(const FlatBand<T>& band, const FlatChannels& channels, const JoinedPasses& joined,
                                  const ConvPass& pass) {
  const auto& [rows, columns] = pass;
  std::vector<int64_t> offsets;
  for (int64_t row = 0; row < rows.taps; ++row)
    for (int64_t column = 0; column < columns.taps; ++column)
      for (int64_t source = 0; source < channels.sources; ++source)
        offsets.push_back(band.offset(source, rows.offset - joined.offset_y + row * rows.dilation,
                                      columns.offset - joined.offset_x + column * columns.dilation, columns.stride,
                                      channels.width()));
  return offsets;
}

/// The size of patches for which the rows that one row of results reads stay in half of the L1 cache, at least 32
/// pixels wide: of up to 8 rows, fewer where that leaves no 8 patches to share out.
template <class T>
Size2D flat_patch(const JoinedPasses& joined, const FlatChannels& channels, int64_t batch) {
  if (joined.rows == 0 || joined.columns == 0) return {1, 1};  // there is no patch
  const int64_t row_count = std::min(std::clamp<int64_t>(batch * joined.rows / 8, 2, 8), joined.rows);
  const int64_t column_bytes = std::max<int64_t>(joined.reach_y, 1) * joined.passes.front().columns.stride *
                               channels.sources * channels.width() * static_cast<int64_t>(sizeof(T));
  const int64_t parts = divide_up(joined.columns, std::max<int64_t>(int64_t{16} * 1024 / column_bytes, 32));
  // Multiples of 32 pixels hold whole vectors.
  const int64_t column_count = parts == 1 ? joined.columns : divide_up(divide_up(joined.columns, parts), 32) * 32;
  return {divide_up(joined.rows, divide_up(joined.rows, row_count)), column_count};
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
