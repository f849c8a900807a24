// Included once per SIMD target: what Winograd along columns alone reads, forward and for the kernel's gradient.
#if defined(TESSERA_WINOGRAD_COLUMNS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_WINOGRAD_COLUMNS_INL
#undef TESSERA_WINOGRAD_COLUMNS_INL
#else
#define TESSERA_WINOGRAD_COLUMNS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_flat-inl.hpp>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/winograd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Strips of four rows of results, whose sources stay as they lie: an entry is one of the numbers side by side that a
/// result takes of each row of them, a tap column's source. Tap rows are taken in parts of three, the last of which may
/// have less.
struct ColumnStrips {
  static constexpr int points = 6;
  static constexpr int64_t part_taps = 3;
  /// Numbers from one point's transformed sources to the next one's, of the pixels that are computed at once.
  static constexpr int64_t line = 17 * 16;

  int64_t taps;  ///< rows
  int64_t parts;
  int64_t sources, results, entries;

  ColumnStrips(const ConvPass& pass, int64_t all_sources, int64_t all_results)
      : taps(pass.rows.taps),
        parts(divide_up(taps, part_taps)),
        sources(all_sources),
        results(all_results),
        entries(pass.columns.taps * all_sources) {}

  /// Rows of sources that a strip reads.
  int64_t rows() const { return points + (parts - 1) * part_taps; }
  ConvPass strips(const ConvPass& pass) const { return {tile_axis(pass.rows, rows()), pass.columns}; }
  FlatChannels channels() const { return {sources, 1, 1, sources}; }
  /// Pixels whose sources fit a line.
  int64_t most_pixels() const { return (line - entries) / sources + 1; }
  /// Of the vector of results `at` and so on: the last one overlaps the one before.
  int64_t first_result(int64_t at) const { return std::max<int64_t>(std::min(at, results - lane_count<float>()), 0); }

  /// Numbers from one part's lines to the next one's.
  static constexpr int64_t part_step = points * line;
  /// B^T d of every column of what `pixels` read from `from` on, a line for each part and point; in scratch slot 1.
  const float* transform(const float* HWY_RESTRICT from, int64_t row_step, int64_t pixels) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>(), numbers = (pixels - 1) * sources + entries;
    float* const all = scratch<float>(1, parts * part_step);
    for (int64_t part = 0; part < parts; ++part, from += part_taps * row_step) {
      float* const to = all + part * part_step;
      for (int64_t i = 0; i < numbers; i += lanes) {
        FloatVec d[points], t[points];
        TESSERA_UNROLL for (int y = 0; y < points; ++y) d[y] = hn::LoadU(tag, from + y * row_step + i);
        transform_source<points>(d, 1, t, 1);
        TESSERA_UNROLL for (int y = 0; y < points; ++y) hn::Store(t[y], tag, to + y * line + i);
      }
    }
    return all;
  }
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
