// The kernel's gradient by Winograd along columns alone, see conv_winograd_columns.cpp: of each of six points a row of
// transformed sources times one of gradients. Vectors run over filters.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_columns_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_patch_sums-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd_columns-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// A strip's gradients of a vector of filters, and what they are multiplied by.
struct ColumnSumTask {
  const float* gradients[winograd_tile];  ///< of every row
  int64_t steps[winograd_tile];           ///< elements from one pixel's to the next one's
  int64_t pixels;
  const float* sources;  ///< transformed
  int64_t source_step;   ///< elements from one pixel's to the next one's
};

/// The points that are summed at once: 0 and infinity, 1 and -1, or 2 and -2, whose gradients have parts in common.
constexpr std::array<std::array<int, 2>, 3> point_pairs{{{0, 5}, {1, 2}, {3, 4}}};

/// sums [point][entry] += E entries' sources times gradients, at a pair of points; sums of these lie `point_step`
/// apart.
template <int pair, int E>
HWY_NOINLINE void add_column_products(const ColumnSumTask& task, int64_t entry, float* HWY_RESTRICT sums,
                                      int64_t point_step) {
  const FloatTag tag;
  const int64_t lanes = lane_count<float>();
  constexpr auto points = point_pairs[pair];
  FloatVec first[E], second[E];
  float* const to = sums + points[0] * point_step + entry * lanes;
  float* const to_second = sums + points[1] * point_step + entry * lanes;
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    first[e] = hn::LoadU(tag, to + e * lanes);
    second[e] = hn::LoadU(tag, to_second + e * lanes);
  }
  const float* rows[winograd_tile];
  std::copy_n(task.gradients, winograd_tile, rows);
  const float* HWY_RESTRICT from = task.sources + points[0] * ColumnStrips::line + entry;
  constexpr int64_t apart = (points[1] - points[0]) * ColumnStrips::line;
  for (int64_t x = 0; x < task.pixels; ++x, from += task.source_step) {
    FloatVec y[winograd_tile], m[ColumnStrips::points];
    TESSERA_UNROLL for (int i = 0; i < winograd_tile; ++i) y[i] = hn::LoadU(tag, rows[i]);
    transform_gradient<ColumnStrips::points>(y, 1, m, 1);  // of which only the pair's points are computed
    const FloatVec a = m[points[0]], b = m[points[1]];
    TESSERA_UNROLL for (int i = 0; i < winograd_tile; ++i) rows[i] += task.steps[i];
    TESSERA_UNROLL for (int e = 0; e < E; ++e) {
      first[e] = hn::MulAdd(hn::Set(tag, from[e]), a, first[e]);
      second[e] = hn::MulAdd(hn::Set(tag, from[apart + e]), b, second[e]);
    }
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    hn::StoreU(first[e], tag, to + e * lanes);
    hn::StoreU(second[e], tag, to_second + e * lanes);
  }
}

using ColumnSums = void (*)(const ColumnSumTask&, int64_t, float*, int64_t);
template <int pair, int... E>
constexpr std::array<ColumnSums, sizeof...(E)> column_sums_table(std::integer_sequence<int, E...>) {
  return {&add_column_products<pair, E + 1>...};
}

class ColumnsWeightGradient {
 public:
  explicit ColumnsWeightGradient(const ConvGeometry& g)
      : geometry_(g),
        strips_(forward_pass(g), g.in_channels, g.out_channels),
        patches_(g.batch, strips_.strips(forward_pass(g)), strips_.channels()),
        vectors_(divide_up(g.out_channels, lane_count<float>())) {}

  void run(const float* input, const float* output, float* kernel_gradient) const {
    const int64_t size = vectors_ * vector_size();
    const Buffer<float> sums(patches_.chunks() * size);
    patches_.run(sums.data(), size, [&](int64_t image, const FlatPatch& patch, float* mine) {
      add_patch(input, output, image, patch, mine);
    });
    add_up(sums.data(), kernel_gradient);
  }

 private:
  int64_t point_step() const { return strips_.entries * lane_count<float>(); }
  int64_t part_size() const { return ColumnStrips::points * point_step(); }
  /// Sums of a vector of filters: [part][point][entry][lane].
  int64_t vector_size() const { return strips_.parts * part_size(); }

  void add_patch(const float* input, const float* output, int64_t image, const FlatPatch& patch, float* sums) const {
    const Size2D &sources = geometry_.input, &size = geometry_.output;
    const int64_t filters = strips_.results;
    FlatBand<float> band(input + image * sources.height * sources.width * geometry_.in_channels, sources,
                         strips_.channels(), patches_.joined(), patch);
    for (int64_t y = 0; y < patch.rows; ++y) {
      const int64_t row = (patch.first_row + y) * winograd_tile;
      const float* const from = band.load(y * winograd_tile + strips_.rows()) + y * winograd_tile * band.row_size();
      for (int64_t begin = 0; begin < patch.columns; begin += strips_.most_pixels()) {
        const int64_t pixels = std::min(strips_.most_pixels(), patch.columns - begin);
        const float* const gradients =
            output + ((image * size.height + row) * size.width + patch.first_column + begin) * filters;
        add_strip(strips_.transform(from + begin * strips_.sources, band.row_size(), pixels), gradients,
                  size.height - row, pixels, sums);
      }
    }
  }

  /// The strip's `rows` of gradients, zeros after them.
  void add_strip(const float* sources, const float* gradients, int64_t rows, int64_t pixels, float* sums) const {
    const int64_t lanes = lane_count<float>(), filters = strips_.results, row_step = geometry_.output.width * filters;
    // A vector of more lanes than there are filters reads of the next pixel, too: the last one is copied.
    const bool overhangs = lanes > filters;
    for (int64_t at = 0; at < filters; at += lanes, sums += vector_size()) {
      ColumnSumTask task{{}, {}, pixels - overhangs, sources, strips_.sources};
      float last[winograd_tile][HWY_MAX_BYTES / sizeof(float)] = {};
      for (int64_t i = 0; i < winograd_tile; ++i) {
        task.gradients[i] = last[i];
        if (i >= rows) continue;
        task.gradients[i] = gradients + i * row_step + strips_.first_result(at);
        task.steps[i] = filters;
      }
      add_products(task, sums);
      if (!overhangs) continue;
      for (int64_t i = 0; i < std::min(rows, winograd_tile); ++i)
        std::copy_n(task.gradients[i] + task.pixels * filters, filters, last[i]);
      add_products(
          {{last[0], last[1], last[2], last[3]}, {}, 1, sources + task.pixels * strips_.sources, strips_.sources},
          sums);
    }
  }

  void add_products(ColumnSumTask task, float* sums) const {
    constexpr int most = max_tile_sums / 2;
    constexpr auto each = std::make_integer_sequence<int, most>();
    static constexpr std::array tables{column_sums_table<0>(each), column_sums_table<1>(each),
                                       column_sums_table<2>(each)};
    const int64_t blocks = divide_up(strips_.entries, most);
    for (int64_t part = 0; part < strips_.parts; ++part) {
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t entry = strips_.entries * block / blocks, end = strips_.entries * (block + 1) / blocks;
        for (const auto& table : tables)
          table[static_cast<std::size_t>(end - entry - 1)](task, entry, sums, point_step());
      }
      task.sources += ColumnStrips::part_step;
      sums += part_size();
    }
  }

  /// The chunks' sums in order, as taps.
  void add_up(const float* sums, float* kernel_gradient) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>(), filters = strips_.results;
    for (int64_t i = 0; i < vectors_ * strips_.parts * strips_.entries; ++i) {
      const int64_t vector = i / strips_.entries / strips_.parts, part = i / strips_.entries % strips_.parts;
      const int64_t entry = i % strips_.entries, first_tap = part * ColumnStrips::part_taps;
      FloatVec points[ColumnStrips::points], taps[ColumnStrips::part_taps];
      for (int64_t p = 0; p < ColumnStrips::points; ++p) {
        points[p] = hn::Zero(tag);
        for (int64_t chunk = 0; chunk < patches_.chunks(); ++chunk)
          points[p] = hn::Add(points[p], hn::LoadU(tag, sums + (chunk * vectors_ + vector) * vector_size() +
                                                            part * part_size() + p * point_step() + entry * lanes));
      }
      transform_kernel_gradient<ColumnStrips::points>(points, 1, taps, 1);
      float* const to = kernel_gradient + entry * filters + strips_.first_result(vector * lanes);
      for (int64_t tap = 0; tap < ColumnStrips::part_taps && first_tap + tap < strips_.taps; ++tap)
        store_first(taps[tap], tag, filters, to + (first_tap + tap) * strips_.entries * filters);
    }
  }

  ConvGeometry geometry_;
  ColumnStrips strips_;
  PatchSums<float> patches_;
  int64_t vectors_;  ///< of filters
};

void winograd_columns_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  ColumnsWeightGradient(g).run(input, output, gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_columns_kernel_f32);

void winograd_columns_backward_kernel(const ConvGeometry& g, const float* input, const float* output,
                                      float* kernel_gradient) {
  TESSERA_DISPATCH(winograd_columns_kernel_f32, is_narrow<float>(g.out_channels))(g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
