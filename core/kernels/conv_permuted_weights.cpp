// The kernel's gradient by permutation: vectors run over pixels and channels of rows of gradients, see
// conv_permuted.cpp.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_permuted_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <numeric>
#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_lanes.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// The vectors of one phase, of blocks of rows, that a tile sums over.
struct PermutedSumTask {
  int64_t blocks;
  int64_t source_block, source_row, source_step;        ///< elements to the next block, tap row and vector
  int64_t gradient_block, gradient_row, gradient_step;  ///< elements to the next block, row and vector
  int64_t count;                                        ///< numbers of a row of gradients
  const std::int32_t* places;                           ///< of every lane's source in a vector of sources
  int64_t sums_step;                                    ///< between sums
};

/// sums[entry][tap row] += sources at the entry's offset times gradients: E entries, T tap rows, blocks of Y rows whose
/// sources are S tap rows apart.
template <int Y, int T, int S, int E>
HWY_NOINLINE void permuted_sum_tile(const PermutedSumTask& task, const float* HWY_RESTRICT source,
                                    const int64_t* offsets, const float* HWY_RESTRICT gradient,
                                    float* HWY_RESTRICT sums) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  const auto places = hn::SetTableIndices(d, task.places);
  Vec acc[E][T];
  TESSERA_UNROLL for (int e = 0; e < E; ++e) { TESSERA_UNROLL for (int t = 0; t < T; ++t) acc[e][t] = hn::Zero(d); }
  const int64_t source_row = task.source_row, gradient_row = task.gradient_row;
  for (int64_t block = 0; block < task.blocks; ++block) {
    const float* HWY_RESTRICT from = source + block * task.source_block;
    const float* HWY_RESTRICT g = gradient + block * task.gradient_block;
    for (int64_t rest = task.count; rest > 0; rest -= task.gradient_step) {
      Vec values[Y];
      // What stands behind a row belongs to another.
      if (rest >= lanes) {
        TESSERA_UNROLL for (int y = 0; y < Y; ++y) values[y] = in_register(hn::LoadU(d, g + y * gradient_row));
      } else {
        TESSERA_UNROLL for (int y = 0; y < Y; ++y) values[y] = in_register(load_first(d, rest, g + y * gradient_row));
      }
      TESSERA_UNROLL for (int e = 0; e < E; ++e) {
        const float* HWY_RESTRICT in = from + offsets[e];
        TESSERA_UNROLL for (int row = 0; row < (Y - 1) * S + T; ++row, in += source_row) {
          const Vec x = hn::TableLookupLanes(hn::LoadU(d, in), places);
          TESSERA_UNROLL for (int t = row % S; t < T; t += S) {
            if (t <= row && row - t <= (Y - 1) * S) acc[e][t] = hn::MulAdd(x, values[(row - t) / S], acc[e][t]);
          }
        }
      }
      from += task.source_step;
      g += task.gradient_step;
    }
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int t = 0; t < T; ++t) {
      float* const to = sums + (e * T + t) * task.sums_step;
      hn::StoreU(hn::Add(hn::LoadU(d, to), acc[e][t]), d, to);
    }
  }
}

/// Rows of a block and sums of a tile, so that both fit the registers.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int most_sum_rows = 8, most_permuted_sums = 15;
#else
constexpr int most_sum_rows = 4, most_permuted_sums = 9;
#endif
constexpr int most_sum_entries = 5;

using PermutedSumFunction = void (*)(const PermutedSumTask&, const float*, const int64_t*, const float*, float*);
using PermutedSumTable = std::array<std::array<PermutedSumFunction, most_sum_rows>, most_sum_entries>;

template <int T, int S, int E, int... Y>
constexpr std::array<PermutedSumFunction, most_sum_rows> permuted_sum_rows(std::integer_sequence<int, Y...>) {
  return {&permuted_sum_tile<Y + 1, T, S, E>...};
}

/// Tiles of up to as many entries as have room.
template <int T, int S, int... E>
constexpr PermutedSumTable permuted_sum_table(std::integer_sequence<int, E...>) {
  constexpr int most = S == 1 ? most_sum_rows : std::min<int>(most_sum_rows, TileRowSteps::most_apart);
  return {permuted_sum_rows<T, S, E + 1>(std::make_integer_sequence<int, most>())...};
}
template <int T, int S>
constexpr PermutedSumTable permuted_sum_table() {
  return permuted_sum_table<T, S>(
      std::make_integer_sequence<int, std::min(most_sum_entries, most_permuted_sums / T)>());
}

class PermutedWeightGradient {
 public:
  explicit PermutedWeightGradient(const ConvGeometry& g)
      : geometry_(g),
        pass_(forward_pass(g)),
        lanes_(row_lanes({g, true}, lane_count<float>(), 1)),
        steps_(pass_.rows),
        chunks_(std::clamp<int64_t>(g.batch * g.output.height / most_sum_rows, 1, 8)),
        size_(g.kernel.height * g.kernel.width * lanes_.group_sources * g.out_channels),
        places_(static_cast<std::size_t>(lanes_.phases * lanes_.lanes)) {
    std::vector<std::int32_t> channels(places_.size());
    lanes_.lay_out(places_.data(), channels.data());
  }

  void run(const float* input, const float* output, float* kernel_gradient) const {
    const Buffer<float> sums(chunks_ * size_);
    const int64_t height = geometry_.output.height, rows = geometry_.batch * height;
    parallel_for(chunks_, [&](int64_t chunk) {
      float* const mine = scratch<float>(1, sums_size());
      std::fill(mine, mine + sums_size(), 0.0f);
      // By the shape alone, so that no thread count changes a bit.
      const int64_t end = rows * (chunk + 1) / chunks_;
      for (int64_t row = rows * chunk / chunks_; row < end;) {
        const int64_t image = row / height, first = row % height;
        const int64_t count = std::min({end - row, height - first, rows_at_once()});
        add_rows(image, first, count, input, output, mine);
        row += count;
      }
      fold(mine, sums.data() + chunk * size_);
    });
    parallel_ranges(size_, std::max<int64_t>(elementwise_grain / chunks_, 1), [&](int64_t begin, int64_t end) {
      std::copy(sums.data() + begin, sums.data() + end, kernel_gradient + begin);
      for (int64_t chunk = 1; chunk < chunks_; ++chunk)
        for (int64_t i = begin; i < end; ++i) kernel_gradient[i] += sums.data()[chunk * size_ + i];
    });
  }

 private:
  /// Sums of every entry and tap row, for each phase, a vector each.
  int64_t sums_size() const {
    return pass_.rows.taps * pass_.columns.taps * lanes_.group_sources * lanes_.phases * lanes_.lanes;
  }

  /// Of results whose sources stay in half of a small L2 cache.
  int64_t rows_at_once() const {
    const int64_t row_bytes = geometry_.input.width * geometry_.in_channels * static_cast<int64_t>(sizeof(float));
    return std::max<int64_t>(int64_t{128} * 1024 / (row_bytes * pass_.rows.stride), most_sum_rows) * steps_.between;
  }

  /// `count` rows of an image's results, `steps_.between` of them side by side at a time.
  void add_rows(int64_t image, int64_t first, int64_t count, const float* input, const float* output,
                float* sums) const {
    const auto& [rows, columns] = pass_;
    const int64_t channels = geometry_.in_channels, width = columns.count * lanes_.results;
    const SourceImage<float> source{input + image * geometry_.input.height * geometry_.input.width * channels,
                                    geometry_.input.height, geometry_.input.width, channels, channels};
    const int64_t first_row = rows.first_source(first), row_count = rows.source_span(count);
    const int64_t row_size = geometry_.input.width * channels, batch_rows = geometry_.batch * geometry_.input.height;
    // Vectors read beyond a row: what follows the last one is not the input's.
    const bool inside = image * geometry_.input.height + first_row + row_count < batch_rows && row_size >= lanes_.lanes;
    const Band<float> band =
        (inside ? load_band<float> : copy_band<float>)(source, first_row, row_count, columns.offset,
                                                       columns.source_span(columns.count), channels);
    const std::vector<int64_t> offsets = entry_offsets(pass_, lanes_, steps_.taps, band.row_stride, 0);
    const int64_t tap_row = rows.dilation * band.row_stride, gradient_row = steps_.between * width;
    PermutedSumTask task{.blocks = 0,
                         .source_block = 0,
                         .source_row = steps_.taps == 1 ? tap_row * steps_.stride : tap_row,
                         .source_step = lanes_.period_step(),
                         .gradient_block = 0,
                         .gradient_row = gradient_row,
                         .gradient_step = lanes_.phases * lanes_.used,
                         .count = 0,
                         .places = nullptr,
                         .sums_step = lanes_.phases * lanes_.lanes};
    for (int64_t side = 0; side < std::min(steps_.between, count); ++side) {
      const float* x = band.data + side * rows.stride * band.row_stride;
      const float* g = output + (image * rows.count + first + side) * width;
      // Evenly cut into blocks: some of a row more than the others.
      const int64_t mine = divide_up(count - side, steps_.between),
                    blocks = divide_up(mine, steps_.most(most_sum_rows));
      for (const int64_t more : {1, 0}) {
        const int64_t block_rows = mine / blocks + more;
        task.blocks = more ? mine % blocks : blocks - mine % blocks;
        if (task.blocks == 0) continue;
        task.source_block = block_rows * steps_.stride * tap_row;
        task.gradient_block = block_rows * gradient_row;
        add_blocks(task, block_rows, x, offsets, g, width, sums);
        x += task.blocks * task.source_block;
        g += task.blocks * task.gradient_block;
      }
    }
  }

  /// All entries, a few at a time, for all phases.
  void add_blocks(PermutedSumTask& task, int64_t rows, const float* x, const std::vector<int64_t>& offsets,
                  const float* g, int64_t width, float* sums) const {
    const auto& table = tiles();
    const auto entries = static_cast<int64_t>(offsets.size());
    const int64_t most = std::min<int64_t>(most_sum_entries, most_permuted_sums / steps_.taps);
    const int64_t parts = divide_up(entries, most);
    for (int64_t phase = 0; phase < lanes_.phases; ++phase) {
      const int64_t at = phase * lanes_.used;
      task.count = width - at;
      task.places = places_.data() + phase * lanes_.lanes;
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t entry = entries * part / parts, count = entries * (part + 1) / parts - entry;
        table[static_cast<std::size_t>(count - 1)][static_cast<std::size_t>(rows - 1)](
            task, x + lanes_.source(at), offsets.data() + entry, g + at,
            sums + entry * steps_.taps * task.sums_step + phase * lanes_.lanes);
      }
    }
  }

  /// Adds up the lanes of each filter's numbers. sums [entry][tap row][phase][lane], to [tap][source][filter]
  void fold(const float* sums, float* to) const {
    const hn::ScalableTag<float> d;
    const int64_t lanes = lanes_.lanes, filters = lanes_.results, numbers = lanes_.phases * lanes_.used;
    float* const side_by_side = scratch<float>(2, numbers + lanes);
    for (int64_t first = 0; first < pass_.rows.taps; first += steps_.taps)
      for (int64_t column = 0; column < pass_.columns.taps; ++column)
        for (int64_t source = 0; source < lanes_.group_sources; ++source)
          for (int64_t row = first; row < first + steps_.taps; ++row) {
            for (int64_t phase = 0; phase < lanes_.phases; ++phase, sums += lanes)
              hn::StoreU(hn::LoadU(d, sums), d, side_by_side + phase * lanes_.used);
            float* const filter = to + ((row * pass_.columns.taps + column) * lanes_.group_sources + source) * filters;
            for (int64_t f = 0; f < filters; f += lanes) {
              auto total = hn::LoadU(d, side_by_side + f);
              for (int64_t i = filters + f; i < numbers; i += filters)
                total = hn::Add(total, hn::LoadU(d, side_by_side + i));
              store_first(total, d, filters - f, filter + f);
            }
          }
  }

  const PermutedSumTable& tiles() const {
    static constexpr PermutedSumTable one = permuted_sum_table<1, 1>(), two = permuted_sum_table<2, 1>(),
                                      three = permuted_sum_table<3, 1>(), five = permuted_sum_table<5, 1>(),
                                      two_apart = permuted_sum_table<2, 2>(), three_apart = permuted_sum_table<3, 2>();
    switch (steps_.taps) {
      case 2:
        return steps_.stride == 1 ? two : two_apart;
      case 3:
        return steps_.stride == 1 ? three : three_apart;
      case 5:
        return five;
      default:
        return one;
    }
  }

  ConvGeometry geometry_;
  ConvPass pass_;
  RowLanes lanes_;
  TileRowSteps steps_;
  int64_t chunks_, size_;
  std::vector<std::int32_t> places_;
};

void permuted_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  PermutedWeightGradient(g).run(input, output, gradient);
}
RowLanes permuted_kernel_lanes_here(const ConvGeometry& g) { return row_lanes({g, true}, lane_count<float>(), 1); }

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(permuted_kernel_f32);
HWY_EXPORT(permuted_kernel_lanes_here);

namespace {

bool runs_narrow(const ConvGeometry& g) {
  return prefers_short_vectors([&](std::int64_t lanes) { return row_lanes({g, true}, lanes, 1); });
}

}  // namespace

void permuted_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(permuted_kernel_f32, runs_narrow(g))(g, input, output, kernel_gradient);
}
RowLanes permuted_kernel_lanes(const ConvGeometry& g) {
  if (g.batch * g.output.height * g.output.width == 0) return {};
  return TESSERA_DISPATCH(permuted_kernel_lanes_here, runs_narrow(g))(g);
}

}  // namespace tessera::kernels
#endif
