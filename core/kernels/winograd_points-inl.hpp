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

/// An axis of a pass. Along one with a single tap there is nothing to save: sources stay as they are, from `offset` on
/// in the patch, and a tile's four places share the tap.
struct PointAxis {
  bool transformed = true;
  int64_t offset = 0;
  bool operator==(const PointAxis&) const = default;

  int64_t points(int64_t transformed_points) const { return transformed ? transformed_points : 1; }
  int64_t places() const { return transformed ? 1 : winograd_tile; }
};

/// Numbers between what is multiplied of one tile and of the next, and in a tile between rows and between columns.
struct PointSteps {
  int64_t tile, row, column;
};

/// The points that a pass multiplies, P along each axis that is transformed, laid out [point][tile][place][channel].
template <int P>
struct PointSet {
  PointAxis rows, columns;
  Patches patches = {};  ///< what they are points of
  bool operator==(const PointSet&) const = default;

  /// Points, each with weights of its own, and places in a tile that share those.
  int64_t points() const { return rows.points(P) * columns.points(P); }
  int64_t places() const { return rows.places() * columns.places(); }

  PointSteps steps(int64_t channels, int64_t point_step) const {
    return {places() * channels, rows.transformed ? columns.points(P) * point_step : columns.places() * channels,
            columns.transformed ? point_step : channels};
  }

  /// B^T d B of a patch.
  template <class Read>
  HWY_INLINE void store_sources(const Read& read, const PointSteps& steps, float* HWY_RESTRICT to) const {
    const auto store = [&](int64_t y, int64_t x, FloatVec value)
                           HWY_ATTR { hn::StoreU(value, FloatTag(), to + y * steps.row + x * steps.column); };
    FloatVec half[P * P], line[P], out[P];
    if (!columns.transformed) {
      for (int x = 0; x < winograd_tile; ++x) {
        if (!rows.transformed) {
          for (int y = 0; y < winograd_tile; ++y) store(y, x, read(rows.offset + y, columns.offset + x));
          continue;
        }
        for (int y = 0; y < P; ++y) line[y] = read(y, columns.offset + x);
        transform_source<P>(line, 1, out, 1);
        for (int y = 0; y < P; ++y) store(y, x, out[y]);
      }
      return;
    }
    if (rows.transformed) {
      TESSERA_UNROLL for (int x = 0; x < P; ++x) {
        TESSERA_UNROLL for (int y = 0; y < P; ++y) line[y] = read(y, x);
        transform_source<P>(line, 1, half + x, P);
      }
      TESSERA_UNROLL for (int y = 0; y < P; ++y) {
        transform_source<P>(half + P * y, 1, out, 1);
        TESSERA_UNROLL for (int x = 0; x < P; ++x) store(y, x, out[x]);
      }
      return;
    }
    for (int y = 0; y < winograd_tile; ++y) {
      for (int x = 0; x < P; ++x) line[x] = read(rows.offset + y, x);
      transform_source<P>(line, 1, out, 1);
      for (int x = 0; x < P; ++x) store(y, x, out[x]);
    }
  }

  /// A^T M A: a tile's 4x4 results of the products read(y, x).
  template <class Read>
  HWY_INLINE void make_results(const Read& read, FloatVec (&results)[winograd_tile * winograd_tile]) const {
    FloatVec half[winograd_tile * P], line[P];
    if (!columns.transformed) {
      for (int x = 0; x < winograd_tile; ++x) {
        if (!rows.transformed) {
          for (int y = 0; y < winograd_tile; ++y) results[winograd_tile * y + x] = read(y, x);
          continue;
        }
        for (int y = 0; y < P; ++y) line[y] = read(y, x);
        transform_result<P>(line, 1, results + x, winograd_tile);
      }
      return;
    }
    if (rows.transformed) {
      TESSERA_UNROLL for (int x = 0; x < P; ++x) {
        TESSERA_UNROLL for (int y = 0; y < P; ++y) line[y] = read(y, x);
        transform_result<P>(line, 1, half + x, P);
      }
      TESSERA_UNROLL for (int y = 0; y < winograd_tile; ++y)
          transform_result<P>(half + P * y, 1, results + winograd_tile * y, 1);
      return;
    }
    for (int y = 0; y < winograd_tile; ++y) {
      for (int x = 0; x < P; ++x) line[x] = read(y, x);
      transform_result<P>(line, 1, results + winograd_tile * y, 1);
    }
  }

  /// A dy A^T of a tile's result gradients.
  template <class Read>
  HWY_INLINE void store_gradients(const Read& read, const PointSteps& steps, float* HWY_RESTRICT to) const {
    const auto store = [&](int64_t y, int64_t x, FloatVec value)
                           HWY_ATTR { hn::StoreU(value, FloatTag(), to + y * steps.row + x * steps.column); };
    FloatVec half[P * winograd_tile], line[winograd_tile], out[P];
    for (int x = 0; x < winograd_tile; ++x) {
      for (int y = 0; y < winograd_tile; ++y) line[y] = read(y, x);
      if (rows.transformed)
        transform_gradient<P>(line, 1, half + x, winograd_tile);
      else
        for (int y = 0; y < winograd_tile; ++y) half[winograd_tile * y + x] = line[y];
    }
    for (int64_t y = 0; y < (rows.transformed ? P : winograd_tile); ++y) {
      if (columns.transformed) {
        transform_gradient<P>(half + winograd_tile * y, 1, out, 1);
        for (int x = 0; x < P; ++x) store(y, x, out[x]);
      } else {
        for (int x = 0; x < winograd_tile; ++x) store(y, x, half[winograd_tile * y + x]);
      }
    }
  }

  /// G^T dU G: the gradients of the pass' taps [row][column], the rows P - 3 apart.
  HWY_INLINE void kernel_gradients(const FloatVec* sums, FloatVec* taps_out) const {
    constexpr int taps = P - 3;
    const int64_t width = columns.points(P);
    FloatVec half[taps * P];
    for (int64_t x = 0; x < width; ++x) {
      if (rows.transformed)
        transform_kernel_gradient<P>(sums + x, static_cast<int>(width), half + x, P);
      else
        half[x] = sums[x];
    }
    for (int64_t y = 0; y < (rows.transformed ? taps : 1); ++y) {
      if (columns.transformed)
        transform_kernel_gradient<P>(half + P * y, 1, taps_out + taps * y, 1);
      else
        taps_out[taps * y] = half[P * y];
    }
  }

  /// G g G^T of kernel [P - 3][P - 3]; only the tap at `offset` along an axis that is not transformed. Points lie
  /// `step` apart.
  HWY_INLINE void store_kernel(const FloatVec* kernel, int64_t step, float* HWY_RESTRICT to) const {
    constexpr int taps = P - 3;
    const FloatTag tag;
    FloatVec half[P * taps], row[P];
    for (int x = 0; x < taps; ++x) {
      if (rows.transformed)
        transform_kernel<P>(kernel + x, taps, half + x, taps);
      else
        half[x] = kernel[rows.offset * taps + x];
    }
    for (int64_t y = 0; y < rows.points(P); ++y) {
      if (!columns.transformed) {
        hn::StoreU(half[taps * y + columns.offset], tag, to + y * step);
        continue;
      }
      transform_kernel<P>(half + taps * y, 1, row, 1);
      for (int x = 0; x < P; ++x) hn::StoreU(row[x], tag, to + (y * P + x) * step);
    }
  }
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
