// Included once per SIMD target: what a pass of Winograd multiplies, from patches of sources to tiles of results.
#if defined(TESSERA_WINOGRAD_POINTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_WINOGRAD_POINTS_INL
#undef TESSERA_WINOGRAD_POINTS_INL
#else
#define TESSERA_WINOGRAD_POINTS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/winograd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Numbers between what is multiplied of one tile and of the next, and in a tile between rows and between columns.
struct PointSteps {
  int64_t tile, row, column;
};

/// G: what each tap counts for at each point, as in transform_kernel.
template <int P>
inline constexpr float kernel_factors[P][P - 3] = {};
template <>
inline constexpr float kernel_factors<5>[5][2] = {
    {1.0f / 2, 0}, {-1.0f / 2, -1.0f / 2}, {-1.0f / 6, 1.0f / 6}, {1.0f / 6, 1.0f / 3}, {0, 1}};
template <>
inline constexpr float kernel_factors<6>[6][3] = {{1.0f / 4, 0, 0},
                                                  {-1.0f / 6, -1.0f / 6, -1.0f / 6},
                                                  {-1.0f / 6, 1.0f / 6, -1.0f / 6},
                                                  {1.0f / 24, 1.0f / 12, 1.0f / 6},
                                                  {1.0f / 24, -1.0f / 12, 1.0f / 6},
                                                  {0, 0, 1}};

/// The points that a pass multiplies, P along each axis that is transformed, laid out [point][tile][place][channel].
template <int P>
struct PointSet {
  PointAxis rows, columns;
  Patches patches = {};  ///< what they are points of

  /// Where the point (y, x) of `other`, which has no more points than this, lies among these.
  int64_t index_of(const PointSet& other, int64_t y, int64_t x) const {
    return (y + other.rows.skips_first - rows.skips_first) * columns.points(P) + x + other.columns.skips_first -
           columns.skips_first;
  }

  /// Weights of their own, and which of them those of a point are.
  int64_t weights() const { return rows.weights(P) * columns.weights(P); }
  int64_t weights_of(int64_t y, int64_t x) const {
    return (rows.single < 0 ? y * columns.weights(P) : 0) + (columns.single < 0 ? x : 0);
  }

  /// Points, and places in a tile that share them.
  int64_t points() const { return rows.points(P) * columns.points(P); }
  int64_t places() const { return rows.places() * columns.places(); }

  /// The same of all taps.
  PointSet whole() const { return {{rows.transformed}, {columns.transformed}, patches}; }
  bool is_whole() const { return points() == P * P; }

  PointSteps steps(int64_t channels, int64_t point_step) const {
    return {places() * channels, rows.transformed ? columns.points(P) * point_step : columns.places() * channels,
            columns.transformed ? point_step : channels};
  }

  /// B^T d B of a patch.
  template <class Read>
  HWY_INLINE void store_sources(const Read& read, const PointSteps& steps, float* HWY_RESTRICT to) const {
    const auto store = [&](int64_t y, int64_t x, FloatVec value)
                           HWY_ATTR { hn::StoreU(value, FloatTag(), to + y * steps.row + x * steps.column); };
    if (rows.transformed && columns.transformed)
      return is_whole() ? store_sources_of<false>(read, store) : store_sources_of<true>(read, store);
    FloatVec line[P], out[P];
    for (int i = 0; i < winograd_tile; ++i) {
      if (rows.transformed) {
        for (int y = 0; y < P; ++y) line[y] = read(y, i);
        transform_source<P>(line, 1, out, 1);
        TESSERA_UNROLL for (int y = 0; y < P; ++y) if (!is_skipped<true>(rows, y))
            store(y - rows.skips_first, i, times_factor(out[y], rows, y));
      } else if (columns.transformed) {
        for (int x = 0; x < P; ++x) line[x] = read(i, x);
        transform_source<P>(line, 1, out, 1);
        TESSERA_UNROLL for (int x = 0; x < P; ++x) if (!is_skipped<true>(columns, x))
            store(i, x - columns.skips_first, times_factor(out[x], columns, x));
      } else {
        for (int x = 0; x < winograd_tile; ++x) store(i, x, read(i, x));
      }
    }
  }

  /// A^T M A: a tile's 4x4 results of the products read(y, x).
  template <class Read>
  HWY_INLINE void make_results(const Read& read, FloatVec (&results)[winograd_tile * winograd_tile]) const {
    if (rows.transformed && columns.transformed)
      return is_whole() ? make_results_of<false>(read, results) : make_results_of<true>(read, results);
    FloatVec line[P];
    for (int i = 0; i < winograd_tile; ++i) {
      if (rows.transformed) {
        read_line<true>(
            rows, [&](int64_t y) HWY_ATTR { return read(y, i); }, line);
        transform_result<P>(line, 1, results + i, winograd_tile);
      } else if (columns.transformed) {
        read_line<true>(
            columns, [&](int64_t x) HWY_ATTR { return read(i, x); }, line);
        transform_result<P>(line, 1, results + winograd_tile * i, 1);
      } else {
        for (int x = 0; x < winograd_tile; ++x) results[winograd_tile * i + x] = read(i, x);
      }
    }
  }

  /// A dy A^T of a tile's result gradients.
  template <class Read>
  HWY_INLINE void store_gradients(const Read& read, const PointSteps& steps, float* HWY_RESTRICT to) const {
    const auto store = [&](int64_t y, int64_t x, FloatVec value)
                           HWY_ATTR { hn::StoreU(value, FloatTag(), to + y * steps.row + x * steps.column); };
    if (rows.transformed && columns.transformed)
      return is_whole() ? store_gradients_of<false>(read, store) : store_gradients_of<true>(read, store);
    FloatVec line[winograd_tile], out[P];
    for (int i = 0; i < winograd_tile; ++i) {
      if (rows.transformed) {
        for (int y = 0; y < winograd_tile; ++y) line[y] = read(y, i);
        transform_gradient<P>(line, 1, out, 1);
        for (int64_t y = 0; y < rows.points(P); ++y) store(y, i, out[y + rows.skips_first]);
      } else if (columns.transformed) {
        for (int x = 0; x < winograd_tile; ++x) line[x] = read(i, x);
        transform_gradient<P>(line, 1, out, 1);
        for (int64_t x = 0; x < columns.points(P); ++x) store(i, x, out[x + columns.skips_first]);
      } else {
        for (int x = 0; x < winograd_tile; ++x) store(i, x, read(i, x));
      }
    }
  }

  /// G^T dU G of the sums that belong to weights: the gradients of P - 3 rows of as many taps, or of the first alone
  /// along an axis of one.
  HWY_INLINE void kernel_gradients(const FloatVec* sums, FloatVec* taps_out) const {
    constexpr int taps = P - 3;
    FloatVec half[taps * P], line[P];
    if (is_whole()) {
      TESSERA_UNROLL for (int x = 0; x < P; ++x) transform_kernel_gradient<P>(sums + x, P, half + x, P);
      TESSERA_UNROLL for (int y = 0; y < taps; ++y)
          transform_kernel_gradient<P>(half + P * y, 1, taps_out + taps * y, 1);
      return;
    }
    std::fill(half, half + taps * P, hn::Zero(FloatTag()));
    std::fill(line, line + P, hn::Zero(FloatTag()));
    const int64_t width = columns.weights(P), height = rows.weights(P);
    for (int64_t x = 0; x < width; ++x) {
      FloatVec* const to = half + x + columns.skips_first;
      if (height == 1) {
        *to = sums[x];
        continue;
      }
      for (int64_t y = 0; y < height; ++y) line[y + rows.skips_first] = sums[y * width + x];
      transform_kernel_gradient<P>(line, 1, to, P);
    }
    for (int64_t y = 0; y < (height == 1 ? 1 : taps); ++y) {
      if (width == 1)
        taps_out[taps * y] = half[P * y];
      else
        transform_kernel_gradient<P>(half + P * y, 1, taps_out + taps * y, 1);
    }
  }

  /// G g G^T of kernel [P - 3][P - 3], of an axis of one tap that alone. Weights lie `step` apart.
  HWY_INLINE void store_kernel(const FloatVec* kernel, int64_t step, float* HWY_RESTRICT to) const {
    constexpr int taps = P - 3;
    const FloatTag tag;
    const int64_t width = columns.weights(P), height = rows.weights(P);
    FloatVec half[P * taps], row[P];
    if (is_whole()) {
      TESSERA_UNROLL for (int x = 0; x < taps; ++x) transform_kernel<P>(kernel + x, taps, half + x, taps);
      TESSERA_UNROLL for (int y = 0; y < P; ++y) {
        transform_kernel<P>(half + taps * y, 1, row, 1);
        TESSERA_UNROLL for (int x = 0; x < P; ++x) hn::StoreU(row[x], tag, to + (y * P + x) * step);
      }
      return;
    }
    for (int x = 0; x < taps; ++x) {
      if (height == 1)
        half[x] = kernel[std::max<int64_t>(rows.single, 0) * taps + x];
      else
        transform_kernel<P>(kernel + x, taps, half + x, taps);
    }
    for (int64_t y = 0; y < height; ++y) {
      const FloatVec* const of_row = half + taps * (height == 1 ? 0 : y + rows.skips_first);
      if (width == 1) {
        hn::StoreU(of_row[std::max<int64_t>(columns.single, 0)], tag, to);
        to += step;
        continue;
      }
      transform_kernel<P>(of_row, 1, row, 1);
      for (int64_t x = 0; x < width; ++x, to += step) hn::StoreU(row[x + columns.skips_first], tag, to);
    }
  }

 private:
  /// Along both axes; `skips` where points may be.
  template <bool skips, class Read, class Store>
  HWY_INLINE void store_sources_of(const Read& read, const Store& store) const {
    FloatVec half[P * P], line[P], out[P];
    TESSERA_UNROLL for (int x = 0; x < P; ++x) {
      TESSERA_UNROLL for (int y = 0; y < P; ++y) line[y] = read(y, x);
      transform_source<P>(line, 1, half + x, P);
    }
    TESSERA_UNROLL for (int y = 0; y < P; ++y) {
      if (is_skipped<skips>(rows, y)) continue;
      transform_source<P>(half + P * y, 1, out, 1);
      if (skips) {
        TESSERA_UNROLL for (int x = 0; x < P; ++x) out[x] = times_factor(times_factor(out[x], rows, y), columns, x);
      }
      store_row<skips>(y, out, store);
    }
  }

  template <bool skips, class Read, class Store>
  HWY_INLINE void store_gradients_of(const Read& read, const Store& store) const {
    FloatVec half[P * winograd_tile], line[winograd_tile], out[P];
    TESSERA_UNROLL for (int x = 0; x < winograd_tile; ++x) {
      TESSERA_UNROLL for (int y = 0; y < winograd_tile; ++y) line[y] = read(y, x);
      transform_gradient<P>(line, 1, half + x, winograd_tile);
    }
    TESSERA_UNROLL for (int y = 0; y < P; ++y) {
      if (is_skipped<skips>(rows, y)) continue;
      transform_gradient<P>(half + winograd_tile * y, 1, out, 1);
      store_row<skips>(y, out, store);
    }
  }

  template <bool skips, class Read>
  HWY_INLINE void make_results_of(const Read& read, FloatVec (&results)[winograd_tile * winograd_tile]) const {
    FloatVec half[winograd_tile * P], line[P];
    TESSERA_UNROLL for (int x = 0; x < P; ++x) {
      if (is_skipped<skips>(columns, x)) {
        TESSERA_UNROLL for (int y = 0; y < winograd_tile; ++y) half[P * y + x] = hn::Zero(FloatTag());
        continue;
      }
      const int64_t column = x - (skips && columns.skips_first);
      const auto read_row = [&](int64_t y) HWY_ATTR { return read(y, column); };
      read_line<skips>(rows, read_row, line);
      if (skips) {
        TESSERA_UNROLL for (int y = 0; y < P; ++y) line[y] = times_factor(line[y], columns, x);
      }
      transform_result<P>(line, 1, half + x, P);
    }
    TESSERA_UNROLL for (int y = 0; y < winograd_tile; ++y)
        transform_result<P>(half + P * y, 1, results + winograd_tile * y, 1);
  }

  /// A row of points.
  template <bool skips, class Store>
  HWY_INLINE void store_row(int y, const FloatVec* row, const Store& store) const {
    TESSERA_UNROLL for (int x = 0; x < P; ++x) if (!is_skipped<skips>(columns, x))
        store(y - (skips && rows.skips_first), x - (skips && columns.skips_first), row[x]);
  }

  template <bool skips>
  static HWY_INLINE bool is_skipped(const PointAxis& axis, int point) {
    return skips && ((point == 0 && axis.skips_first) || (point == P - 1 && axis.skips_last));
  }

  /// What counts for all taps to what counts for a single one.
  static HWY_INLINE FloatVec times_factor(FloatVec value, const PointAxis& axis, int point) {
    return axis.single < 0 ? value : hn::Mul(value, hn::Set(FloatTag(), kernel_factors<P>[point][axis.single]));
  }

  /// The products of an axis; zero at points that are skipped.
  template <bool skips, class Read>
  static HWY_INLINE void read_line(const PointAxis& axis, const Read& read, FloatVec* line) {
    TESSERA_UNROLL for (int i = 0; i < P; ++i) {
      if (is_skipped<skips>(axis, i)) {
        line[i] = hn::Zero(FloatTag());
        continue;
      }
      line[i] = read(i - (skips && axis.skips_first));
      if (skips) line[i] = times_factor(line[i], axis, i);
    }
  }
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
