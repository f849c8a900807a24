// Winograd for few results: vectors run over 16 tiles side by side from the sources' planes to the results' planes.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_planes.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_planar-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_rows-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd_points-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Rows of tiles: of 4x4 results that are read as those of 6x6 taps and a stride of 4. Products of a vector of tiles, a
/// block of results at a time.
class WinogradPlanes {
 public:
  static constexpr int plan = 6;

  static std::vector<ConvPass> passes(const ConvReading& reading) {
    const ConvPass pass = reading.passes().front();
    return {{tile_axis(pass.rows, points), tile_axis(pass.columns, points)}};
  }

  WinogradPlanes(const ConvReading& reading, const Epilogue<float>& epilogue)
      : reading_(reading),
        sources_(reading.sources()),
        results_(reading.results()),
        channels_{1, sources_, 1, sources_},
        epilogue_(epilogue) {}

  int64_t units() const { return 1; }
  const FlatChannels& channels() const { return channels_; }

  int64_t packed(const ConvPass&) const { return points * points * sources_ * results_; }

  /// G g G^T as [block of results][point][source][result].
  void pack(const ConvPass&, const float* kernel, float* packed) const {
    const int64_t lanes = lane_count<float>();
    Buffer<float> vectors(points * points * lanes);
    for_blocks(results_, block, [&](int64_t first, int64_t count) {
      for (int64_t source = 0; source < sources_; ++source) {
        pack_kernel(kernel, source, first, vectors.data());
        for (int64_t point = 0; point < points * points; ++point)
          for (int64_t r = 0; r < count; ++r)
            packed[(point * sources_ + source) * count + r] = vectors.data()[point * lanes + r];
      }
      packed += points * points * sources_ * count;
    });
  }

  void compute(int64_t, const RowTask<float>& row) const {
    static constexpr std::array blocks{&WinogradPlanes::compute_block<1>, &WinogradPlanes::compute_block<2>,
                                       &WinogradPlanes::compute_block<3>, &WinogradPlanes::compute_block<4>,
                                       &WinogradPlanes::compute_block<5>, &WinogradPlanes::compute_block<6>};
    const int64_t width = winograd_tile * lane_count<float>();
    const Size2D size = reading_.result_size();
    // [row][result][pixel]; a vector more, as planes are read by whole vectors
    float* const planes = scratch<float>(3, winograd_tile * results_ * width + lane_count<float>());
    for (int64_t tile = 0; tile < row.count; tile += lane_count<float>()) {
      const float* const sources = transformed(row, tile);
      for_blocks(results_, block, [&](int64_t first, int64_t count) {
        (this->*blocks[static_cast<std::size_t>(count - 1)])(sources, row.weights, first, planes);
      });
      const int64_t x = tile * winograd_tile;
      for (int64_t y = 0; y < std::min(winograd_tile, size.height - row.y); ++y)
        join_planes(planes + y * results_ * width, width, results_, std::min(width, size.width - row.x - x),
                    row.result + (y * size.width + x) * results_);
    }
  }

 private:
  static constexpr int points = 6;
  /// Results at once: no more than the lanes that a kernel is packed by.
  static constexpr int64_t block = std::min<int64_t>(hn::MaxLanes(FloatTag()), 6);

  /// G g G^T of a vector of results from `first` on, a vector for each point.
  void pack_kernel(const float* kernel, int64_t source, int64_t first, float* packed) const {
    const ConvPass pass = reading_.passes().front();
    FloatVec taps[9];
    for (int64_t i = 0; i < 9; ++i) taps[i] = tap_weights(reading_, pass, kernel, i / 3, i % 3, source, first);
    PointSet<points>().store_kernel(taps, lane_count<float>(), packed);
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

  /// Results first .. first + R - 1 of a vector of tiles.
  template <int R>
  HWY_NOINLINE void compute_block(const float* HWY_RESTRICT sources, const float* HWY_RESTRICT weights, int64_t first,
                                  float* HWY_RESTRICT planes) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>();
    constexpr int all = points * points;
    float* const products = scratch<float>(2, all * R * lanes);
    multiply<R>(sources, weights + first * all * sources_, products);
    const FloatVec slope = hn::Set(tag, epilogue_.slope);
    for (int r = 0; r < R; ++r) {
      const FloatVec bias = hn::Set(tag, epilogue_.bias ? epilogue_.bias[first + r] : 0.0f);
      FloatVec results[winograd_tile * winograd_tile];
      PointSet<points>().make_results(
          [&](int64_t y, int64_t x) HWY_ATTR { return hn::LoadU(tag, products + ((y * points + x) * R + r) * lanes); },
          results);
      TESSERA_UNROLL for (FloatVec& value : results) {
        value = hn::Add(value, bias);
        if (epilogue_.rectify) value = rectified(value, slope);
      }
      TESSERA_UNROLL for (int y = 0; y < winograd_tile; ++y) {
        const FloatVec* const of_row = results + y * winograd_tile;
        hn::StoreInterleaved4(of_row[0], of_row[1], of_row[2], of_row[3], tag,
                              planes + (y * results_ + first + r) * winograd_tile * lanes);
      }
    }
  }

  /// products [point][result][tile]: of two points at once, as each sum waits for the one before it.
  template <int R>
  void multiply(const float* HWY_RESTRICT sources, const float* HWY_RESTRICT weights,
                float* HWY_RESTRICT products) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>(), count = sources_, step = point_vectors();
    for (int point = 0; point < points * points; point += 2) {
      FloatVec sums[2][R];
      TESSERA_UNROLL for (int p = 0; p < 2; ++p) {
        TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[p][r] = hn::Zero(tag);
      }
      for (int64_t source = 0; source < count; ++source) {
        TESSERA_UNROLL for (int p = 0; p < 2; ++p) {
          const FloatVec x = in_register(hn::LoadU(tag, sources + (p * step + source) * lanes));
          const float* const w = weights + (p * count + source) * R;
          TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[p][r] = hn::MulAdd(x, hn::Set(tag, w[r]), sums[p][r]);
        }
      }
      TESSERA_UNROLL for (int p = 0; p < 2; ++p) {
        TESSERA_UNROLL for (int r = 0; r < R; ++r) hn::StoreU(sums[p][r], tag, products + (p * R + r) * lanes);
      }
      sources += 2 * step * lanes;
      weights += 2 * count * R;
      products += 2 * R * lanes;
    }
  }

  ConvReading reading_;
  int64_t sources_, results_;
  FlatChannels channels_;
  Epilogue<float> epilogue_;
};

void winograd_planes_forward_f32(const ConvGeometry& g, const float* input, const float* kernel,
                                 const Epilogue<float>& e, float* output, WeightStore* store) {
  RowConvolution<float, WinogradPlanes>({g, true}, kernel, e, store).run(input, output);
}
void winograd_planes_backward_f32(const ConvGeometry& g, const float* output, const float* kernel,
                                  const Epilogue<float>& e, float* input, WeightStore* store) {
  RowConvolution<float, WinogradPlanes>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

namespace {

/// Whether vectors of 64 bytes would hold too few of a row's tiles.
bool has_few_tiles(Size2D results) { return are_narrow<float>(winograd_tiles(results.width)); }

}  // namespace

HWY_EXPORT(winograd_planes_forward_f32);
HWY_EXPORT(winograd_planes_backward_f32);

void winograd_planes_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                             float* output, WeightStore* store) {
  TESSERA_DISPATCH(winograd_planes_forward_f32, has_few_tiles(g.output))(g, input, kernel, e, output, store);
}
void winograd_planes_backward_input(const ConvGeometry& g, const float* output, const float* kernel,
                                    const Epilogue<float>& e, float* input, WeightStore* store) {
  TESSERA_DISPATCH(winograd_planes_backward_f32, has_few_tiles(g.input))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
