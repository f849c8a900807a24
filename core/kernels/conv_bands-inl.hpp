// Included once per SIMD target: convolution by bands of rows, whatever the vectors of its tiles run over.
#if defined(TESSERA_CONV_BANDS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_BANDS_INL
#undef TESSERA_CONV_BANDS_INL
#else
#define TESSERA_CONV_BANDS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/parallel.hpp>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Runs a convolution on `Tiles`, which gives: `plan`; `block()`, the most results that a tile has; `packed(pass,
/// reading)`, how many weights a block of them takes; `pack(reading, pass, kernel, group, block, to)`; `bias_size()`
/// and `pack_bias(bias, results, to)` for a block; and `row(TileTask, source, result, count)`.
template <class T, class Tiles>
class BandConvolution {
 public:
  BandConvolution(const ConvReading& reading, const T* kernel, const Epilogue<T>& epilogue, WeightStore* store)
      : reading_(reading),
        sources_(reading.sources()),
        results_(reading.results()),
        blocks_(divide_up(results_, Tiles::block())),
        passes_(reading.passes()),
        epilogue_(epilogue),
        streams_(passes_caches<T>(reading.geometry.batch * reading.result_size().height * reading.result_size().width,
                                  results_)),
        bias_(reading_.geometry.groups * blocks_ * Tiles::bias_size()) {
    pack_bias();
    const int64_t count = place_weights(), units = reading_.geometry.groups * blocks_;
    weights_ = kept_weights<T>(
        store, weight_key(Tiles::plan, reading.forward, reading_.geometry.groups, passes_), count, [&](T* to) {
          for (std::size_t pass = 0; pass < passes_.size(); ++pass)
            parallel_for(units, [&](int64_t unit) {
              Tiles::pack(reading_, passes_[pass], kernel, unit / blocks_, unit % blocks_,
                          to + weight_begin_[pass] + unit * Tiles::packed(passes_[pass], reading_));
            });
        });
  }

  void run(const T* source, T* result) {
    // Chunks depend on the geometry alone; blocks of channels are shared out too where there are few bands.
    std::vector<Chunk> chunks;
    for (std::size_t pass = 0; pass < passes_.size(); ++pass) {
      const int64_t rows = band_rows(passes_[pass], sources_, sizeof(T));
      const int64_t bands = divide_up(passes_[pass].rows.count, rows);
      const int64_t units = std::max<int64_t>(reading_.geometry.batch * reading_.geometry.groups * bands, 1);
      const int64_t parts = std::clamp<int64_t>(divide_up(8, units), 1, blocks_);
      for (int64_t image = 0; image < reading_.geometry.batch; ++image)
        for (int64_t band = 0; band < bands; ++band)
          for (int64_t group = 0; group < reading_.geometry.groups; ++group)
            for (int64_t part = 0; part < parts; ++part)
              chunks.push_back({pass, image, group, band * rows, std::min((band + 1) * rows, passes_[pass].rows.count),
                                blocks_ * part / parts, blocks_ * (part + 1) / parts});
    }
    // By places in the batch: passes side by side read the same sources and write to the same cache lines.
    std::stable_sort(chunks.begin(), chunks.end(), [&](const Chunk& a, const Chunk& b) {
      const auto place = [&](const Chunk& chunk) {
        return std::pair(chunk.image, chunk.first_row * passes_[chunk.pass].rows.step);
      };
      return place(a) < place(b);
    });
    parallel_for(static_cast<int64_t>(chunks.size()),
                 [&](int64_t i) { compute(chunks[static_cast<std::size_t>(i)], source, result); });
  }

 private:
  struct Chunk {
    std::size_t pass;
    int64_t image, group, first_row, last_row, first_block, last_block;
  };

  /// Sets where each pass' weights begin and returns how many there are in all.
  int64_t place_weights() {
    int64_t total = 0;
    for (const ConvPass& pass : passes_) {
      weight_begin_.push_back(total);
      total += reading_.geometry.groups * blocks_ * Tiles::packed(pass, reading_);
    }
    return total;
  }

  void pack_bias() {
    std::fill(bias_.data(), bias_.data() + reading_.geometry.groups * blocks_ * Tiles::bias_size(), T{0});
    if (!epilogue_.bias) return;
    for (int64_t unit = 0; unit < reading_.geometry.groups * blocks_; ++unit) {
      const int64_t first = unit % blocks_ * Tiles::block();
      Tiles::pack_bias(epilogue_.bias + unit / blocks_ * results_ + first, std::min(Tiles::block(), results_ - first),
                       bias_.data() + unit * Tiles::bias_size());
    }
  }

  void compute(const Chunk& chunk, const T* source, T* result) const {
    const ConvPass& pass = passes_[chunk.pass];
    const auto& [rows, columns] = pass;
    const int64_t all_sources = reading_.all_sources(), all_results = reading_.all_results();
    const Size2D source_size = reading_.source_size(), result_size = reading_.result_size();
    const SourceImage<T> image{
        source + chunk.image * source_size.height * source_size.width * all_sources + chunk.group * sources_,
        source_size.height, source_size.width, sources_, all_sources};
    const int64_t count = chunk.last_row - chunk.first_row;
    const Band<T> band = load_band(image, rows.first_source(chunk.first_row), rows.source_span(count), columns.offset,
                                   columns.source_span(columns.count), sources_);
    const TapRuns runs(columns, sources_);
    TileTask<T> task{.rows = rows.taps,
                     .row_step = rows.dilation * band.row_stride,
                     .runs = runs.count,
                     .run_step = columns.dilation * sources_,
                     .run_length = runs.length,
                     .pixel_step = columns.stride * sources_,
                     .result_step = columns.step * all_results,
                     .channels = 0,
                     .weights = nullptr,
                     .bias = nullptr,
                     .adds = false,
                     .streams = streams_,
                     .rectify = epilogue_.rectify,
                     .slope = epilogue_.slope};
    T* image_result = result + chunk.image * result_size.height * result_size.width * all_results;
    for (int64_t b = chunk.first_block; b < chunk.last_block; ++b) {
      const int64_t unit = chunk.group * blocks_ + b, first = b * Tiles::block();
      task.channels = std::min(Tiles::block(), results_ - first);
      task.weights = weights_->data() + weight_begin_[chunk.pass] + unit * Tiles::packed(pass, reading_);
      task.bias = bias_.data() + unit * Tiles::bias_size();
      for (int64_t y = 0; y < count; ++y) {
        const int64_t row = rows.start + (chunk.first_row + y) * rows.step;
        Tiles::row(
            task, band.data + y * rows.stride * band.row_stride,
            image_result + (row * result_size.width + columns.start) * all_results + chunk.group * results_ + first,
            columns.count);
      }
    }
    if (streams_) hwy::FlushStream();
  }

  ConvReading reading_;
  int64_t sources_, results_;  ///< channels of one group
  int64_t blocks_;
  std::vector<ConvPass> passes_;
  std::vector<int64_t> weight_begin_;
  Epilogue<T> epilogue_;
  bool streams_;  ///< whether results are stored past the caches
  Buffer<T> bias_;
  std::shared_ptr<Buffer<T>> weights_;
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
