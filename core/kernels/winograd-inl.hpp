// Included once per SIMD target: the transforms of Winograd's F(4x4, 3x3) and F(4x4, 2x2) (Lavin and Gray 2015), a
// vector of channels at a time. Y = A^T [(G g G^T) . (B^T d B)] A: 36 products for 16 results instead of 144, or 25
// instead of
// 64. The points are 0, 1, -1, 2, -2 and infinity; two taps need no -2.
#if defined(TESSERA_WINOGRAD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_WINOGRAD_INL
#undef TESSERA_WINOGRAD_INL
#else
#define TESSERA_WINOGRAD_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/winograd_saving.hpp>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

/// B^T: the P sources of a row or column, one less than tile and taps together, to as many points.
template <int P>
HWY_INLINE void transform_source(const FloatVec* HWY_RESTRICT d, int step, FloatVec* HWY_RESTRICT t, int out_step) {
  const FloatTag tag;
  const FloatVec two = hn::Set(tag, 2.0f), four = hn::Set(tag, 4.0f), five = hn::Set(tag, 5.0f);
  const FloatVec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  if constexpr (P == 5) {
    const FloatVec three = hn::Set(tag, 3.0f);
    t[0] = hn::MulAdd(two, hn::Sub(d0, d2), hn::Sub(d3, d1));
    t[out_step] = hn::Sub(hn::NegMulAdd(two, d1, d3), d2);
    t[2 * out_step] = hn::NegMulAdd(three, d2, hn::MulAdd(two, d1, d3));
    t[3 * out_step] = hn::Sub(d3, d1);
    t[4 * out_step] = hn::MulAdd(two, hn::Sub(d1, d3), hn::Sub(d4, d2));
  } else {
    const FloatVec d5 = d[5 * step];
    t[0] = hn::NegMulAdd(five, d2, hn::MulAdd(four, d0, d4));
    t[out_step] = hn::NegMulAdd(four, hn::Add(d1, d2), hn::Add(d3, d4));
    t[2 * out_step] = hn::MulAdd(four, hn::Sub(d1, d2), hn::Sub(d4, d3));
    t[3 * out_step] = hn::MulAdd(two, hn::Sub(d3, d1), hn::Sub(d4, d2));
    t[4 * out_step] = hn::MulAdd(two, hn::Sub(d1, d3), hn::Sub(d4, d2));
    t[5 * out_step] = hn::NegMulAdd(five, d3, hn::MulAdd(four, d1, d5));
  }
}

/// A^T: P points to four results.
template <int P>
HWY_INLINE void transform_result(const FloatVec* HWY_RESTRICT m, int step, FloatVec* HWY_RESTRICT y, int out_step) {
  const FloatTag tag;
  const FloatVec two = hn::Set(tag, 2.0f), four = hn::Set(tag, 4.0f), eight = hn::Set(tag, 8.0f);
  const FloatVec a = hn::Add(m[step], m[2 * step]), b = hn::Sub(m[step], m[2 * step]);
  if constexpr (P == 5) {
    const FloatVec m3 = m[3 * step];
    y[0] = hn::Add(m[0], hn::Add(a, m3));
    y[out_step] = hn::MulAdd(two, m3, b);
    y[2 * out_step] = hn::MulAdd(four, m3, a);
    y[3 * out_step] = hn::Add(hn::MulAdd(eight, m3, b), m[4 * step]);
  } else {
    const FloatVec c = hn::Add(m[3 * step], m[4 * step]), e = hn::Sub(m[3 * step], m[4 * step]);
    y[0] = hn::Add(m[0], hn::Add(a, c));
    y[out_step] = hn::MulAdd(two, e, b);
    y[2 * out_step] = hn::MulAdd(four, c, a);
    y[3 * out_step] = hn::Add(hn::MulAdd(eight, e, b), m[5 * step]);
  }
}

/// A: four result gradients to P points, the adjoint of transform_result.
template <int P>
HWY_INLINE void transform_gradient(const FloatVec* HWY_RESTRICT y, int step, FloatVec* HWY_RESTRICT m, int out_step) {
  const FloatTag tag;
  const FloatVec two = hn::Set(tag, 2.0f), four = hn::Set(tag, 4.0f), eight = hn::Set(tag, 8.0f);
  const FloatVec y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  const FloatVec even = hn::Add(y0, y2), odd = hn::Add(y1, y3);
  const FloatVec even4 = hn::MulAdd(four, y2, y0), odd8 = hn::MulAdd(eight, y3, hn::Mul(two, y1));
  m[0] = y0;
  m[out_step] = hn::Add(even, odd);
  m[2 * out_step] = hn::Sub(even, odd);
  m[3 * out_step] = hn::Add(even4, odd8);
  if constexpr (P == 6) m[4 * out_step] = hn::Sub(even4, odd8);
  m[(P - 1) * out_step] = y3;
}

/// G: P - 3 kernel taps to P points.
template <int P>
HWY_INLINE void transform_kernel(const FloatVec* HWY_RESTRICT g, int step, FloatVec* HWY_RESTRICT u, int out_step) {
  const FloatTag tag;
  const FloatVec sixth = hn::Set(tag, 1.0f / 6), twelfth = hn::Set(tag, 1.0f / 12), quarter = hn::Set(tag, 0.25f);
  const FloatVec g0 = g[0], g1 = g[step];
  if constexpr (P == 5) {
    u[0] = hn::Mul(g0, hn::Set(tag, 0.5f));
    u[out_step] = hn::Mul(hn::Add(g0, g1), hn::Set(tag, -0.5f));
    u[2 * out_step] = hn::Mul(hn::Sub(g1, g0), sixth);
    u[3 * out_step] = hn::Mul(hn::Add(g0, hn::Add(g1, g1)), sixth);
    u[4 * out_step] = g1;
  } else {
    const FloatVec g2 = g[2 * step];
    const FloatVec ends = hn::Mul(hn::Add(g0, g2), sixth), middle = hn::Mul(g1, sixth);
    const FloatVec outer = hn::MulAdd(g2, sixth, hn::Mul(hn::Mul(g0, quarter), sixth)), inner = hn::Mul(g1, twelfth);
    u[0] = hn::Mul(g0, quarter);
    u[out_step] = hn::Neg(hn::Add(ends, middle));
    u[2 * out_step] = hn::Sub(middle, ends);
    u[3 * out_step] = hn::Add(outer, inner);
    u[4 * out_step] = hn::Sub(outer, inner);
    u[5 * out_step] = g2;
  }
}

/// G^T: P points to P - 3 kernel gradients, the adjoint of transform_kernel.
template <int P>
HWY_INLINE void transform_kernel_gradient(const FloatVec* HWY_RESTRICT u, int step, FloatVec* HWY_RESTRICT g,
                                          int out_step) {
  const FloatTag tag;
  const FloatVec sixth = hn::Set(tag, 1.0f / 6), twelfth = hn::Set(tag, 1.0f / 12), quarter = hn::Set(tag, 0.25f);
  if constexpr (P == 5) {
    const FloatVec half = hn::Set(tag, 0.5f), third = hn::Set(tag, 1.0f / 3);
    const FloatVec sixths = hn::Mul(u[2 * step], sixth);
    g[0] = hn::MulAdd(half, hn::Sub(u[0], u[step]), hn::Sub(hn::Mul(u[3 * step], sixth), sixths));
    g[out_step] = hn::Add(hn::NegMulAdd(half, u[step], u[4 * step]), hn::MulAdd(u[3 * step], third, sixths));
    return;
  }
  const FloatVec sum12 = hn::Add(u[step], u[2 * step]), difference12 = hn::Sub(u[2 * step], u[step]);
  const FloatVec sum34 = hn::Add(u[3 * step], u[4 * step]), difference34 = hn::Sub(u[3 * step], u[4 * step]);
  const FloatVec sixths = hn::Mul(sum12, sixth);
  g[0] = hn::Sub(hn::MulAdd(quarter, u[0], hn::Mul(hn::Mul(sum34, quarter), sixth)), sixths);
  g[out_step] = hn::MulAdd(difference12, sixth, hn::Mul(difference34, twelfth));
  g[2 * out_step] = hn::Add(hn::Sub(hn::Mul(sum34, sixth), sixths), u[5 * step]);
}

/// The tiles that an image's results are cut into, numbered over the whole batch: of results `spread` apart, so that a
/// dilated convolution is a dense one on each of the images that lie between each other. The last of a row or column
/// may overhang.
class TileGrid {
 public:
  struct Position {
    int64_t image, y, x;  ///< of the tile's first result
  };

  TileGrid(int64_t batch, int64_t height, int64_t width, Size2D spread)
      : batch_(batch), rows_(starts(height, spread.height)), columns_(starts(width, spread.width)) {}

  int64_t count() const { return batch_ * size(rows_) * size(columns_); }

  /// Of tiles first .. first + tiles - 1.
  void positions(int64_t first, int64_t tiles, Position* out) const {
    int64_t column = first % size(columns_), row = first / size(columns_) % size(rows_);
    int64_t image = first / size(columns_) / size(rows_);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      out[tile] = {image, rows_[static_cast<std::size_t>(row)], columns_[static_cast<std::size_t>(column)]};
      if (++column < size(columns_)) continue;
      column = 0;
      if (++row < size(rows_)) continue;
      row = 0;
      ++image;
    }
  }

 private:
  /// Where the tiles along an axis begin.
  static std::vector<int64_t> starts(int64_t results, int64_t spread) {
    std::vector<int64_t> found;
    for (int64_t first = 0; first < std::min(spread, results); ++first)
      for (int64_t at = first; at < results; at += winograd_tile * spread) found.push_back(at);
    return found;
  }
  static int64_t size(const std::vector<int64_t>& list) { return static_cast<int64_t>(list.size()); }

  int64_t batch_;
  std::vector<int64_t> rows_, columns_;
};

/// Tiles that one unit of work holds at most.
constexpr int64_t max_unit_tiles = 96;

/// Floats from the values of one point to those of the next: an odd number of cache lines, as the streams that a
/// transform writes would all fall into one set of the L1 cache if they lay a power of two apart.
HWY_INLINE int64_t point_step(int64_t values) {
  constexpr int64_t line = 16;
  return (divide_up(values, line) | 1) * line;
}

/// Tiles along an axis: each of four results that are read as one of so many taps and a stride of 4.
inline TapAxis tile_axis(const TapAxis& results, int64_t taps) {
  return {.count = winograd_tiles(results.count),
          .start = 0,
          .step = winograd_tile,
          .stride = winograd_tile,
          .offset = results.offset,
          .taps = taps,
          .dilation = 1};
}

/// A tap's weights of a vector of results from `first` on, of a convolution without groups; zeros after the last one.
inline FloatVec tap_weights(const ConvReading& reading, const ConvPass& pass, const float* kernel, int64_t row,
                            int64_t column, int64_t source, int64_t first) {
  const FloatTag tag;
  const int64_t count = std::min(static_cast<int64_t>(hn::Lanes(tag)), reading.results() - first);
  float values[HWY_MAX_BYTES / sizeof(float)] = {};
  for (int64_t r = 0; r < count; ++r) values[r] = reading.weight(kernel, pass, row, column, 0, source, first + r);
  return hn::LoadU(tag, values);
}

/// Channels rounded up to whole vectors.
HWY_INLINE int64_t whole_vectors(int64_t channels) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(FloatTag()));
  return divide_up(channels, lanes) * lanes;
}

/// The sources behind tiles: `step` pixels apart, those of the results at (0, 0) from (y, x) on, and `stride` further
/// on those of the results beside them.
struct Patches {
  int64_t y = 0, x = 0;
  Size2D stride = 1, step = 1;
};

/// What tiles of results `spread` apart read in one pass.
inline Patches patches_of(const ConvPass& pass, Size2D spread) {
  const auto& [rows, columns] = pass;
  return {rows.offset,
          columns.offset,
          {rows.stride, columns.stride},
          {rows.stride * spread.height, columns.stride * spread.width}};
}

/// Where the P x P pixels of a tile's patch are read: in the image, and beyond it from `zeros`.
template <int P>
inline void find_pixels(const float* image, Size2D size, int64_t channels, const TileGrid::Position& at,
                        const Patches& patches, const float* zeros, const float** pixels) {
  for (int64_t i = 0; i < P; ++i) {
    const int64_t y = at.y * patches.stride.height + i * patches.step.height + patches.y;
    const bool inside = y >= 0 && y < size.height;
    for (int64_t j = 0; j < P; ++j) {
      const int64_t x = at.x * patches.stride.width + j * patches.step.width + patches.x;
      *pixels++ = inside && x >= 0 && x < size.width ? image + (y * size.width + x) * channels : zeros;
    }
  }
}

/// Calls use(tile, channel, read) for every vector of channels of the patches behind the tiles at `positions`; read(y,
/// x) is that vector of a patch's pixel.
template <int P, class Use>
HWY_INLINE void for_patches(const TileGrid::Position* positions, int64_t tiles, const float* source, Size2D size,
                            int64_t channels, const Patches& patches, const Use& use) {
  const FloatTag tag;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag)), padded = whole_vectors(channels);
  float* const zeros = scratch<float>(1, padded);
  std::fill(zeros, zeros + padded, 0.0f);
  const float* pixels[P * P];
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const TileGrid::Position at = positions[tile];
    const float* image = source + at.image * size.height * size.width * channels;
    find_pixels<P>(image, size, channels, at, patches, zeros, pixels);
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes)
      use(tile, c, [&](int64_t y, int64_t x) HWY_ATTR { return hn::LoadU(tag, pixels[y * P + x] + c); });
    if (c < channels)
      use(tile, c, [&](int64_t y, int64_t x) HWY_ATTR { return load_first(tag, channels - c, pixels[y * P + x] + c); });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
