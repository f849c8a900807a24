// Permuted convolution: forward, and backward to the input without a stride, with vectors that run along rows of
// results over pixels and channels alike. Their lanes take what they multiply from vectors of sources as these lie in
// memory. For few channels, in f32.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_permuted.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <numeric>
#include <tessera/core/kernels/conv_blocks-inl.hpp>
#include <tessera/core/kernels/conv_lanes.hpp>
#include <tessera/core/kernels/conv_permuted_pack-inl.hpp>
#include <tessera/core/kernels/conv_permuted_points-inl.hpp>
#include <tessera/core/kernels/conv_permuted_tile-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

class PermutedConvolution {
 public:
  PermutedConvolution(const ConvReading& reading, const float* kernel, const Epilogue<float>& epilogue,
                      WeightStore* store)
      : reading_(reading),
        pass_(reading.passes().front()),
        lanes_(permuted_lanes(reading, lane_count<float>())),
        pixels_(lanes_.phases * lanes_.used / lanes_.results),
        epilogue_(epilogue),
        steps_(pass_.rows),
        weights_(reading, lanes_, {pass_}, steps_.taps, kernel, epilogue.bias, store) {}

  void run(const float* source, float* result) const {
    if (is_pointwise()) return run_points(source, result);
    // By the image's shape alone: blocks of rows, each of some that lie `between` apart.
    const int64_t rows = pass_.rows.count, batch = reading_.geometry.batch;
    const int64_t most = steps_.most(most_permuted_rows), between = steps_.between;
    int64_t blocks = divide_up(rows, most * between);
    // Few blocks are shared out evenly by two and four threads, too.
    while (batch * blocks % 4 != 0 && batch * blocks < 16 && rows > 5 * between * blocks) ++blocks;
    parallel_for(batch * blocks, [&](int64_t i) {
      const int64_t image = i / blocks, block = i % blocks;
      compute(image, rows * block / blocks, rows * (block + 1) / blocks, source, result);
    });
  }

 private:
  /// Rows of an image's results and the periods of vectors that are computed of them.
  struct Part {
    int64_t image, first_row, last_row, first_period, last_period;
  };

  /// Rows begin .. end - 1 of an image: where all that vectors of sources hold belongs to the image as it lies there,
  /// else from a copy with zeros around it.
  void compute(int64_t image, int64_t begin, int64_t end, const float* source, float* result) const {
    const TapAxis &rows = pass_.rows, &columns = pass_.columns;
    const Size2D size = reading_.source_size();
    const int64_t channels = reading_.all_sources(), step = lanes_.period_step();
    const int64_t periods = divide_up(columns.count * lanes_.results, lanes_.phases * lanes_.used);
    const int64_t first = columns.offset * channels;  // of a row's sources that its first period reads
    const int64_t last = first + weights_.source(lanes_.phases - 1) + (columns.taps - 1) * columns.dilation * channels +
                         lanes_.group_sources + lanes_.lanes;
    const int64_t inside = std::min(divide_up(std::max<int64_t>(-first, 0), step), periods);
    int64_t outside = std::clamp<int64_t>((size.width * channels - last + step) / step, inside, periods);
    const int64_t first_row = rows.first_source(begin), count = rows.source_span(end - begin);
    const bool rows_inside = first_row >= 0 && first_row + count <= size.height && last <= size.width * channels;
    if (!rows_inside || lanes_.block < channels || !reads_in_place(count, size.width * channels)) outside = inside;
    const SourceImage<float> sources{source + image * size.height * size.width * channels, size.height, size.width,
                                     channels, channels};
    if (inside < outside) {
      const int64_t row_stride = size.width * channels;
      const BlockBand in_place{sources.data + first_row * row_stride + first + inside * step, row_stride, 0};
      compute({image, begin, end, inside, outside}, in_place, result);
    }
    const auto copied = [&](int64_t from, int64_t to) {
      if (from == to) return;
      const int64_t column = from * pixels_, pixels = std::min(to * pixels_, columns.count) - column;
      compute({image, begin, end, from, to},
              copy_blocks(sources, lanes_.block, first_row, count, columns.first_source(column),
                          columns.source_span(pixels)),
              result);
    };
    if (inside == outside) return copied(0, periods);
    copied(0, inside);
    copied(outside, periods);
  }

  /// Whether so many rows of so many sources are better read where they lie: they would not stay in the L1 cache, nor
  /// do those of a tile fall into the same few sets of it.
  bool reads_in_place(int64_t rows, int64_t row_size) const {
    constexpr int64_t element = sizeof(float), way = 4096, cache = 24 * 1024;
    return rows * row_size * element >= cache && way / std::gcd(row_size * pass_.rows.dilation * element, way) >= 4;
  }

  /// A part from its sources: those of its first row's first period, and what else its vectors read.
  void compute(const Part& part, const BlockBand& band, float* result) const {
    const TapAxis &rows = pass_.rows, &columns = pass_.columns;
    const int64_t width = columns.count * lanes_.results;
    const std::vector<int64_t> offsets = entry_offsets(pass_, lanes_, steps_.taps, band.row_stride, band.block_stride);
    PermutedTask task{.offsets = offsets.data(),
                      .entries = static_cast<int64_t>(offsets.size()),
                      .row_step = rows.dilation * band.row_stride,
                      .weights = nullptr,
                      .weight_step = weights_.step(),
                      .bias = nullptr,
                      .places = nullptr,
                      .result_step = steps_.between * width,
                      .rectify = epilogue_.rectify,
                      .slope = epilogue_.slope};
    if (steps_.taps == 1) task.row_step *= steps_.stride;
    const float* const packed = weights_.data();
    const int64_t begin = part.first_period * pixels_ * lanes_.results;
    const int64_t end = std::min(part.last_period * pixels_ * lanes_.results, width);
    for (int64_t row = part.first_row; row < std::min(part.first_row + steps_.between, part.last_row); ++row) {
      const PermutedFunction compute_tile = tile(divide_up(part.last_row - row, steps_.between));
      const float* in = band.data + (row - part.first_row) * rows.stride * band.row_stride;
      float* const out = result + (part.image * rows.count + row) * width;
      for (int64_t at = begin; at < end; in += lanes_.period_step())
        for (int64_t phase = 0; phase < lanes_.phases && at < end; ++phase, at += lanes_.used) {
          task.weights = packed + phase * lanes_.lanes;
          task.bias = weights_.bias(phase);
          task.places = weights_.places(phase);
          compute_tile(task, in + weights_.source(phase), out + at, end - at);
        }
    }
  }

  /// Whether there is a single tap, which reads no border.
  bool is_pointwise() const {
    const auto inside = [](const TapAxis& axis, int64_t size) {
      return axis.taps == 1 && axis.offset >= 0 && axis.first_source(axis.count - 1) < size;
    };
    return inside(pass_.rows, reading_.source_size().height) && inside(pass_.columns, reading_.source_size().width) &&
           lanes_.group_sources <= most_point_sources;
  }

  /// Row by row, or in stretches of the batch's pixels where they lie side by side.
  void run_points(const float* source, float* result) const {
    const TapAxis &rows = pass_.rows, &columns = pass_.columns;
    const Size2D size = reading_.source_size();
    const int64_t channels = reading_.all_sources(),
                  all = reading_.geometry.batch * size.height * size.width * channels;
    if (size == reading_.result_size()) {
      const int64_t pixels = all / channels, stretch = divide_up(2048, pixels_) * pixels_;
      parallel_for(divide_up(pixels, stretch), [&](int64_t i) {
        const int64_t at = i * stretch;
        compute_points(source + at * channels, all - at * channels, result + at * lanes_.results,
                       std::min(stretch, pixels - at));
      });
      return;
    }
    const int64_t grain = divide_up(2048, columns.count);
    parallel_ranges(reading_.geometry.batch * rows.count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t y = row / rows.count * size.height + rows.first_source(row % rows.count);
        const int64_t at = (y * size.width + columns.offset) * channels;
        compute_points(source + at, all - at, result + row * columns.count * lanes_.results, columns.count);
      }
    });
  }

  /// A row of pixels. Vectors may read up to `available` sources: the last ones go through a copy.
  void compute_points(const float* source, int64_t available, float* result, int64_t pixels) const {
    const int64_t count = pixels * lanes_.results, step = lanes_.period_step(), results = pixels_ * lanes_.results;
    const int64_t periods = divide_up(count, results);
    const int64_t last = weights_.source(lanes_.phases - 1) + lanes_.lanes;  // read by a period
    const int64_t whole = std::clamp<int64_t>((available - last + step) / step, 0, periods);
    const float* const packed = weights_.data();
    const auto compute = [&](const float* from, int64_t first, int64_t end) {
      for (int64_t phase = 0; phase < lanes_.phases; ++phase) {
        const int64_t at = first * results + phase * lanes_.used;
        const PermutedPoints task{.weights = packed + phase * lanes_.lanes,
                                  .weight_step = weights_.step(),
                                  .bias = weights_.bias(phase),
                                  .places = weights_.places(phase),
                                  .vectors = divide_up(std::min(end * results, count) - at, results),
                                  .source_step = step,
                                  .result_step = results,
                                  .most = lanes_.phases == 1 ? lanes_.lanes : lanes_.used,
                                  .rectify = epilogue_.rectify,
                                  .slope = epilogue_.slope};
        permuted_points_of(lanes_.group_sources)(task, from + weights_.source(phase), result + at,
                                                 std::min(end * results, count) - at);
      }
    };
    compute(source, 0, whole);
    if (whole == periods) return;
    const int64_t rest = std::min(available - whole * step, (periods - whole) * step);
    float* const copy = scratch<float>(0, (periods - whole) * step + last);
    copy_pixel(source + whole * step, rest, copy);
    compute(copy, whole, periods);
  }

  PermutedFunction tile(int64_t rows) const {
    constexpr auto most = std::make_integer_sequence<int, most_permuted_rows>();
    constexpr auto most_apart = std::make_integer_sequence<int, TileRowSteps::most_apart>();
    static constexpr auto one = permuted_table<1, 1>(most), two = permuted_table<2, 1>(most),
                          three = permuted_table<3, 1>(most), five = permuted_table<5, 1>(most);
    static constexpr auto two_apart = permuted_table<2, 2>(most_apart), three_apart = permuted_table<3, 2>(most_apart);
    const auto index = static_cast<std::size_t>(rows - 1);
    switch (steps_.taps) {
      case 2:
        return steps_.stride == 1 ? two[index] : two_apart[index];
      case 3:
        return steps_.stride == 1 ? three[index] : three_apart[index];
      case 5:
        return five[index];
      default:
        return one[index];
    }
  }

  ConvReading reading_;
  ConvPass pass_;
  RowLanes lanes_;
  int64_t pixels_;  ///< of a period
  Epilogue<float> epilogue_;
  TileRowSteps steps_;
  PermutedWeights weights_;
};

void permuted_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                          float* output, WeightStore* store) {
  PermutedConvolution({g, true}, kernel, e, store).run(input, output);
}
void permuted_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  PermutedConvolution({g, false}, kernel, e, store).run(output, input);
}
RowLanes permuted_lanes_here(const ConvReading& reading) { return permuted_lanes(reading, lane_count<float>()); }

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(permuted_forward_f32);
HWY_EXPORT(permuted_backward_f32);
HWY_EXPORT(permuted_lanes_here);

bool permuted_runs_narrow(const ConvReading& reading) {
  return prefers_short_vectors([&](std::int64_t lanes) { return permuted_lanes(reading, lanes); });
}

void permuted_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                      float* output, WeightStore* store) {
  TESSERA_DISPATCH(permuted_forward_f32, permuted_runs_narrow({g, true}))(g, input, kernel, e, output, store);
}
void permuted_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                             float* input, WeightStore* store) {
  if (reads_phases({g, false})) return permuted_back(g, output, kernel, e, input, store);
  TESSERA_DISPATCH(permuted_backward_f32, permuted_runs_narrow({g, false}))(g, output, kernel, e, input, store);
}
RowLanes permuted_lanes(const ConvReading& reading) {
  const Size2D size = reading.result_size();
  if (size.height == 0 || size.width == 0) return {};
  if (reads_phases(reading) && !StrideRows::has_tiles(reading.geometry)) return {};
  return TESSERA_DISPATCH(permuted_lanes_here, permuted_runs_narrow(reading))(reading);
}

}  // namespace tessera::kernels
#endif
