// Included once per SIMD target: Winograd with vectors over tiles side by side, for few channels.
#if defined(TESSERA_WINOGRAD_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_WINOGRAD_ROWS_INL
#undef TESSERA_WINOGRAD_ROWS_INL
#else
#define TESSERA_WINOGRAD_ROWS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_rows-inl.hpp>
#include <tessera/core/kernels/winograd_points-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Rows of tiles: of 4x4 results that are read as those of 6x6 taps and a stride of 4.
class TileRows {
 public:
  static std::vector<ConvPass> passes(const ConvReading& reading) {
    ConvPass tiles = pass_of(reading);
    for (TapAxis* axis : {&tiles.rows, &tiles.columns})
      *axis = {.count = winograd_tiles(axis->count),
               .start = 0,
               .step = winograd_tile,
               .stride = winograd_tile,
               .offset = axis->offset,
               .taps = points,
               .dilation = 1};
    return {tiles};
  }

  TileRows(const ConvReading& reading, const Epilogue<float>& epilogue)
      : reading_(reading),
        sources_(reading.sources()),
        results_(reading.results()),
        channels_{1, sources_, 1, sources_},
        epilogue_(epilogue) {}

  int64_t units() const { return 1; }
  const FlatChannels& channels() const { return channels_; }

 protected:
  static constexpr int points = 6;

  /// G g G^T of a vector of results, the weights that are read from `first` on; points lie `step` apart.
  void pack_kernel(const float* kernel, int64_t source, int64_t first, int64_t step, float* packed) const {
    const ConvPass pass = pass_of(reading_);
    const int64_t lanes = lane_count<float>();
    float tap[HWY_MAX_BYTES / sizeof(float)] = {};
    FloatVec taps[9];
    for (int64_t i = 0; i < 9; ++i) {
      for (int64_t lane = 0; lane < lanes; ++lane)
        tap[lane] =
            first + lane < results_ ? reading_.weight(kernel, pass, i / 3, i % 3, 0, source, first + lane) : 0.0f;
      taps[i] = hn::LoadU(FloatTag(), tap);
    }
    PointSet<points>().store_kernel(taps, step, packed);
  }

  /// Vectors from one point's sources to the next one's: an odd number, as what a transform writes would fall into few
  /// sets of the L1 cache if it lay a power of two apart.
  int64_t point_vectors() const { return sources_ | 1; }

  /// B^T d B of a vector of tiles from `first` on, as [point][source][tile]; in scratch slot 1.
  const float* transformed(const RowTask<float>& row, int64_t first) const {
    const int64_t lanes = lane_count<float>();
    float* const to = scratch<float>(1, points * points * point_vectors() * lanes);
    const auto entry = [&](int64_t y, int64_t x, int64_t source) {
      return row.offsets[static_cast<std::size_t>((y * points + x) * sources_ + source)];
    };
    const int64_t row_step = entry(1, 0, 0) - entry(0, 0, 0);
    for (int64_t source = 0; source < sources_; ++source) {
      const float* columns[points];
      TESSERA_UNROLL for (int x = 0; x < points; ++x) columns[x] = row.source + entry(0, x, source) + first;
      PointSet<points>().store_sources(
          [&](int64_t y, int64_t x) HWY_ATTR { return hn::LoadU(FloatTag(), columns[x] + y * row_step); },
          {0, points * point_vectors() * lanes, point_vectors() * lanes}, to + source * lanes);
    }
    return to;
  }

  ConvReading reading_;
  int64_t sources_, results_;
  FlatChannels channels_;
  Epilogue<float> epilogue_;

 private:
  static ConvPass pass_of(const ConvReading& reading) { return reading.passes().front(); }
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
