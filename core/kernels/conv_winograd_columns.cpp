// Winograd along columns alone, for few source channels, as of a first layer: four rows of results are made of six of
// sums, each a row of transformed sources times taps side by side. Vectors run over results.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_columns.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_rows-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd_columns-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

class WinogradColumns {
 public:
  static constexpr int plan = 7;

  static std::vector<ConvPass> passes(const ConvReading& reading) {
    const ConvPass pass = reading.passes().front();
    return {ColumnStrips(pass, reading.sources(), reading.results()).strips(pass)};
  }

  WinogradColumns(const ConvReading& reading, const Epilogue<float>& epilogue)
      : reading_(reading),
        pass_(reading.passes().front()),
        strips_(pass_, reading.sources(), reading.results()),
        channels_(strips_.channels()),
        epilogue_(epilogue),
        streams_(passes_caches<float>(
            reading.geometry.batch * reading.result_size().height * reading.result_size().width, strips_.results)),
        bias_(whole_vectors(strips_.results)) {
    std::fill(bias_.data(), bias_.data() + whole_vectors(strips_.results), 0.0f);
    if (epilogue.bias) std::copy_n(epilogue.bias, strips_.results, bias_.data());
  }

  int64_t units() const { return 1; }
  /// Pixels of sources stay as they lie.
  const FlatChannels& channels() const { return channels_; }
  int64_t packed(const ConvPass&) const { return vector_weights() * whole_vectors(strips_.results); }

  /// G g of every column as [vector of results][part][tap column][source][point][lane].
  void pack(const ConvPass&, const float* kernel, float* packed) const {
    const int64_t lanes = lane_count<float>();
    for (int64_t at = 0; at < strips_.results; at += lanes) {
      const int64_t first = strips_.first_result(at);
      for (int64_t i = 0; i < strips_.parts * strips_.entries; ++i, packed += points * lanes) {
        const int64_t first_tap = i / strips_.entries * ColumnStrips::part_taps, entry = i % strips_.entries;
        FloatVec taps[ColumnStrips::part_taps], of_points[points];
        for (int64_t tap = 0; tap < ColumnStrips::part_taps; ++tap) {
          const int64_t row = first_tap + tap;
          taps[tap] = row < strips_.taps ? tap_weights(reading_, pass_, kernel, row, entry / strips_.sources,
                                                       entry % strips_.sources, first)
                                         : hn::Zero(FloatTag());
        }
        transform_kernel<points>(taps, 1, of_points, 1);
        for (int64_t p = 0; p < points; ++p) hn::StoreU(of_points[p], FloatTag(), packed + p * lanes);
      }
    }
  }

  void compute(int64_t, const RowTask<float>& row) const {
    const int64_t lanes = lane_count<float>(), most = strips_.most_pixels();
    const int64_t row_step = row.offsets[static_cast<std::size_t>(pass_.columns.taps)] - row.offsets.front();
    for (int64_t begin = 0; begin < row.count; begin += most) {
      const int64_t count = std::min(most, row.count - begin);
      const float* const sources =
          strips_.transform(row.source + row.offsets.front() + begin * strips_.sources, row_step, count);
      for (int64_t at = 0; at < strips_.results; at += lanes) {
        const int64_t first = strips_.first_result(at);
        const float* const weights = row.weights + at * vector_weights();
        if (count < tile) {
          for (int64_t x = 0; x < count; ++x)
            compute_tile<1>(row, sources + x * strips_.sources, weights, begin + x, first);
          continue;
        }
        for (int64_t x = 0; x < count; x += tile) {
          x = std::min(x, count - tile);  // the last tile overlaps the one before
          compute_tile<tile>(row, sources + x * strips_.sources, weights, begin + x, first);
        }
      }
    }
    if (streams_) hwy::FlushStream();
  }

 private:
  static constexpr int points = ColumnStrips::points;
  /// Pixels whose sums at all points stay in registers.
  static constexpr int tile = max_tile_sums / points;

  /// Of a vector of results, in vectors.
  int64_t vector_weights() const { return strips_.parts * strips_.entries * points; }

  /// A vector of results of P pixels of four rows.
  template <int P>
  HWY_NOINLINE void compute_tile(const RowTask<float>& row, const float* HWY_RESTRICT sources,
                                 const float* HWY_RESTRICT weights, int64_t x, int64_t first) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>(), entries = strips_.entries, step = strips_.sources;
    // What is added at the point 1 is added to every result.
    const FloatVec bias = hn::LoadU(tag, bias_.data() + first);
    FloatVec sums[P][points];
    TESSERA_UNROLL for (int p = 0; p < P; ++p) {
      TESSERA_UNROLL for (int i = 0; i < points; ++i) sums[p][i] = i == 1 ? bias : hn::Zero(tag);
    }
    const auto add_part = [&](const float* HWY_RESTRICT from, const float* HWY_RESTRICT w) HWY_ATTR {
      for (int64_t entry = 0; entry < entries; ++entry) {
        TESSERA_UNROLL for (int i = 0; i < points; ++i) {
          const FloatVec of_point = in_register(hn::Load(tag, w + (entry * points + i) * lanes));
          TESSERA_UNROLL for (int p = 0; p < P; ++p) sums[p][i] =
              hn::MulAdd(hn::Set(tag, from[i * ColumnStrips::line + p * step + entry]), of_point, sums[p][i]);
        }
      }
    };
    add_part(sources, weights);
    for (int64_t part = 1; part < strips_.parts; ++part)
      add_part(sources + part * ColumnStrips::part_step, weights + part * entries * points * lanes);
    const FloatVec slope = hn::Set(tag, epilogue_.slope);
    const Size2D size = reading_.result_size();
    const int64_t rows = size.height - row.y, row_step = size.width * strips_.results;
    // What a vector has too many results for is overwritten by the next pixel, which is no narrower.
    const bool overhangs = lanes > strips_.results && x + P == row.count, streams = streams_;
    float* to = row.result + x * strips_.results + first;
    TESSERA_UNROLL for (int p = 0; p < P; ++p, to += strips_.results) {
      FloatVec y[winograd_tile];
      transform_result<points>(sums[p], 1, y, 1);
      if (epilogue_.rectify) TESSERA_UNROLL for (FloatVec& value : y) value = rectified(value, slope);
      TESSERA_UNROLL for (int i = 0; i < winograd_tile; ++i) {
        if (i >= rows) break;
        if (p == P - 1 && overhangs)
          store_first(y[i], tag, strips_.results, to + i * row_step);
        else
          store(streams, y[i], tag, to + i * row_step);
      }
    }
  }

  ConvReading reading_;
  ConvPass pass_;
  ColumnStrips strips_;
  FlatChannels channels_;
  Epilogue<float> epilogue_;
  bool streams_;  ///< whether results are stored past the caches
  Buffer<float> bias_;
};

void winograd_columns_forward_f32(const ConvGeometry& g, const float* input, const float* kernel,
                                  const Epilogue<float>& e, float* output, WeightStore* store) {
  RowConvolution<float, WinogradColumns>({g, true}, kernel, e, store).run(input, output);
}
void winograd_columns_backward_f32(const ConvGeometry& g, const float* output, const float* kernel,
                                   const Epilogue<float>& e, float* input, WeightStore* store) {
  RowConvolution<float, WinogradColumns>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_columns_forward_f32);
HWY_EXPORT(winograd_columns_backward_f32);

void winograd_columns_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                              float* output, WeightStore* store) {
  TESSERA_DISPATCH(winograd_columns_forward_f32, is_narrow<float>(g.out_channels))(g, input, kernel, e, output, store);
}
void winograd_columns_backward_input(const ConvGeometry& g, const float* output, const float* kernel,
                                     const Epilogue<float>& e, float* input, WeightStore* store) {
  TESSERA_DISPATCH(winograd_columns_backward_f32, is_narrow<float>(g.in_channels))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
