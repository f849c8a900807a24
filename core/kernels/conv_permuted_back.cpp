// Permuted convolution back to the input through a stride: a learned upsampling of few channels, in f32. Vectors run
// along rows of results over pixels and channels alike; each lane takes the sources that its pixel's taps read.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_permuted_back.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_blocks-inl.hpp>
#include <tessera/core/kernels/conv_permuted_back_tile-inl.hpp>
#include <tessera/core/kernels/conv_permuted_pack-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

class PermutedBackConvolution {
 public:
  PermutedBackConvolution(const ConvGeometry& g, const float* kernel, const Epilogue<float>& epilogue,
                          WeightStore* store)
      : reading_{g, false},
        columns_(g),
        rows_(g),
        lanes_(permuted_lanes(reading_, lane_count<float>())),
        taps_{{.count = g.input.height, .taps = g.kernel.height}, columns_.all},
        epilogue_(epilogue),
        weights_(reading_, lanes_, passes(), g.kernel.height, kernel, epilogue.bias, store) {}

  void run(const float* source, float* result) const {
    // By the image's shape alone: blocks of rows that begin where a stride does.
    const int64_t unit = rows_.stride * rows_.between, height = taps_.rows.count, batch = reading_.geometry.batch;
    const int64_t begin = (rows_.pad % unit + unit) % unit;  // of the first unit, before the first row
    const int64_t units = divide_up(begin + height, unit);
    int64_t blocks = divide_up(units, most_permuted_rows / rows_.stride - (rows_.between > 1));
    // Few blocks are shared out evenly by two and four threads, too.
    while (batch * blocks % 4 != 0 && batch * blocks < 16 && units > 2 * blocks) ++blocks;
    parallel_for(batch * blocks, [&](int64_t i) {
      const int64_t image = i / blocks, block = i % blocks;
      const auto row = [&](int64_t b) { return std::clamp<int64_t>(units * b / blocks * unit - begin, 0, height); };
      compute(image, row(block), row(block + 1), source, result);
    });
  }

 private:
  /// One for each of a stride's pixels.
  std::vector<ConvPass> passes() const {
    std::vector<ConvPass> found;
    for (const TapAxis& pixel : columns_.pixels) found.push_back({taps_.rows, pixel});
    return found;
  }

  /// Rows begin .. end - 1 of an image.
  void compute(int64_t image, int64_t begin, int64_t end, const float* source, float* result) const {
    if (begin == end) return;
    const int64_t interleaved = std::min(rows_.between, end - begin);
    int64_t first = 0, last = 0;  // rows of sources
    const auto tile_of = [&](int64_t row) {
      return rows_.tile(begin + row, divide_up(end - begin - row, rows_.between));
    };
    for (int64_t row = 0; row < interleaved; ++row) {
      const StrideRows::Tile tile = tile_of(row);
      if (tile.sources == 0) continue;
      const int64_t beyond = tile.first_source + (tile.sources - 1) * rows_.source_between + 1;
      first = first == last ? tile.first_source : std::min(first, tile.first_source);
      last = std::max(last, beyond);
    }
    const Size2D size = reading_.source_size();
    const int64_t channels = reading_.all_sources();
    const SourceImage<float> sources{source + image * size.height * size.width * channels, size.height, size.width,
                                     channels, channels};
    const BlockBand band = copy_blocks(sources, lanes_.block, first, last - first, columns_.all.offset,
                                       columns_.source_span(columns_.all.count));
    const std::vector<int64_t> offsets =
        entry_offsets(taps_, lanes_, taps_.rows.taps, band.row_stride, band.block_stride);
    PermutedTask task{.offsets = offsets.data(),
                      .entries = 0,
                      .row_step = rows_.source_between * band.row_stride,
                      .weights = nullptr,
                      .weight_step = weights_.step(),
                      .bias = nullptr,
                      .places = nullptr,
                      .result_step = rows_.between * row_size(),
                      .rectify = epilogue_.rectify,
                      .slope = epilogue_.slope};
    for (int64_t row = 0; row < interleaved; ++row) {
      const StrideRows::Tile tile = tile_of(row);
      task.entries = tile.sources == 0 ? 0 : static_cast<int64_t>(offsets.size());
      compute(task, tile, divide_up(end - begin - row, rows_.between),
              band.data + (tile.first_source - first) * band.row_stride,
              result + (image * taps_.rows.count + begin + row) * row_size());
    }
  }

  /// `count` rows of results, the first of them at `result`.
  void compute(PermutedTask task, const StrideRows::Tile& tile, int64_t count, const float* source,
               float* result) const {
    const PermutedBackFunction compute_tile = permuted_back_tile_of(tile.rows, rows_.taps, rows_.stride);
    const float* const packed = weights_.data();
    for (int64_t at = 0; at < row_size(); source += lanes_.period_step())
      for (int64_t phase = 0; phase < lanes_.phases && at < row_size(); ++phase, at += lanes_.used) {
        task.weights = packed + phase * lanes_.lanes;
        task.bias = weights_.bias(phase);
        task.places = weights_.places(phase);
        compute_tile(task, source + weights_.source(phase), result + at, row_size() - at, tile.skipped,
                     tile.skipped + count);
      }
  }

  int64_t row_size() const { return reading_.geometry.input.width * reading_.all_results(); }

  ConvReading reading_;
  StrideColumns columns_;
  StrideRows rows_;
  RowLanes lanes_;
  ConvPass taps_;  ///< a stride's pixels at a time
  Epilogue<float> epilogue_;
  PermutedWeights weights_;
};

void permuted_back_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                       float* input, WeightStore* store) {
  PermutedBackConvolution(g, kernel, e, store).run(output, input);
}
}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(permuted_back_f32);

void permuted_back(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                   float* input, WeightStore* store) {
  TESSERA_DISPATCH(permuted_back_f32, permuted_runs_narrow({g, false}))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
