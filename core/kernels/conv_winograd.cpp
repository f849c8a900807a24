// Winograd convolution, forward and backward to the input: tiles of 4x4 results of every phase from 36 or 25 products.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd-inl.hpp>
#include <utility>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Transformed weights, four times as large as the kernel, are made whole and kept for the next inference up to this
/// many. Larger ones are made a block at a time where they are used: keeping them would cost more memory than all the
/// rest.
constexpr int64_t most_weights = 640 * 1024;

/// P: points a side, for P - 3 taps.
template <int P>
class WinogradConvolution {
 public:
  WinogradConvolution(const ConvReading& reading, JoinedPasses passes, const float* kernel,
                      const Epilogue<float>& epilogue)
      : geometry_(reading.geometry),
        forward_(reading.forward),
        kernel_(kernel),
        joined_(std::move(passes)),
        source_size_(reading.source_size()),
        result_size_(reading.result_size()),
        sources_(reading.sources()),
        results_(reading.results()),
        pass_blocks_(divide_up(results_, block_width<float>())),
        blocks_(pass_blocks_ * static_cast<int64_t>(joined_.passes.size())),
        grid_{geometry_.batch, joined_.rows, joined_.columns},
        epilogue_(epilogue),
        bias_(pass_blocks_ * block_width<float>()) {
    std::fill(bias_.data(), bias_.data() + pass_blocks_ * block_width<float>(), 0.0f);
    if (epilogue.bias) std::copy(epilogue.bias, epilogue.bias + results_, bias_.data());
  }

  void run(std::span<const InputPart> source, float* result, WeightStore* store) const {
    if (blocks_ > 1 && blocks_ * block_size() > most_weights) return run_by_blocks(source, result);
    const auto weights = kept_weights<float>(store, weight_key(1, forward_, 1, joined_.passes), blocks_ * block_size(),
                                             [&](float* target) { transform_weights(target); });
    run_by_tiles(source, result, weights->data());
  }

 private:
  static constexpr int64_t points = P * P, taps = P - 3;

  const ConvPass& pass_of(int64_t block) const {
    return joined_.passes[static_cast<std::size_t>(block / pass_blocks_)];
  }

  /// Floats of a block's weights.
  int64_t block_size() const { return points * weight_step(); }
  /// Floats from a block's weights of one point to those of the next.
  int64_t weight_step() const { return point_step(sources_ * block_width<float>()); }

  /// Where `count` tiles from the first on lie, and their points, `step` floats apart.
  void load(std::span<const InputPart> source, int64_t first, int64_t count, TileGrid::Position* positions,
            float* tile_points, int64_t step) const {
    grid_.positions(first, count, positions);
    for (const auto& [data, channels] : source) {
      load_tiles<P>(positions, count, data, source_size_, channels, joined_.offset_y, joined_.offset_x, tile_points,
                    step, whole_vectors(sources_));
      tile_points += channels;
    }
  }

  /// For weights that the caches hold: a few tiles are transformed and multiplied with all of them.
  void run_by_tiles(std::span<const InputPart> source, float* result, const float* weights) const {
    // As many tiles as keep their points in half of the L2 cache; few units are made a multiple of 4, so that threads
    // have equal shares.
    const int64_t fitting = int64_t{256} * 1024 / (points * sources_ * 4);
    int64_t units = divide_up(grid_.count(), std::clamp<int64_t>(fitting, 6, max_unit_tiles));
    if (units < 16 && grid_.count() >= 48) units = divide_up(units, 4) * 4;
    const int64_t tiles = divide_up(grid_.count(), std::max<int64_t>(units, 1));
    const int64_t parts = std::clamp<int64_t>(divide_up(4, std::max<int64_t>(units, 1)), 1, blocks_);
    parallel_for(units * parts, [&](int64_t item) {
      const int64_t first = item / parts * tiles, part = item % parts;
      if (first >= grid_.count()) return;
      const int64_t count = std::min(tiles, grid_.count() - first), padded = whole_vectors(sources_);
      TileGrid::Position positions[max_unit_tiles];
      const int64_t step = point_step(count * padded);
      float* const tile_points = scratch<float>(0, points * step);
      load(source, first, count, positions, tile_points, step);
      float* const products = scratch<float>(2, points * point_step(count * block_width<float>()));
      for (int64_t b = blocks_ * part / parts; b < blocks_ * (part + 1) / parts; ++b) {
        multiply(tile_points, step, count, sources_, weights + b * block_size(), weight_step(), b, false, products);
        store_tiles(products, positions, count, b, result);
      }
    });
  }

  /// For the many weights of deep layers, which have few tiles: many tiles are transformed, and of each block's weights
  /// as many at a time as stay in the L2 cache until they are multiplied with all of those.
  void run_by_blocks(std::span<const InputPart> source, float* result) const {
    constexpr int64_t loaded = 4, least = 64, slice = 64;
    const int64_t padded = whole_vectors(sources_), block = block_width<float>(),
                  slice_step = point_step(slice * block);
    const int64_t fitting = (int64_t{8} << 20) / (points * padded * 4);
    const int64_t rounds = divide_up(grid_.count(), std::max(fitting, least));
    const int64_t held = divide_up(grid_.count(), std::max<int64_t>(rounds, 1)), step = point_step(held * padded);
    const Buffer<float> tile_points(points * step);
    std::vector<TileGrid::Position> positions(static_cast<std::size_t>(held));
    for (int64_t begin = 0; begin < grid_.count(); begin += held) {
      const int64_t tiles = std::min(held, grid_.count() - begin);
      parallel_for(divide_up(tiles, loaded), [&](int64_t item) {
        const int64_t first = item * loaded, count = std::min(loaded, tiles - first);
        load(source, begin + first, count, positions.data() + first, tile_points.data() + first * padded, step);
      });
      parallel_for(blocks_, [&](int64_t b) {
        const int64_t product_step = point_step(tiles * block);
        const Buffer<float> weights(points * slice_step), products(points * product_step);
        for (int64_t first = 0; first < sources_; first += slice) {
          const int64_t count = std::min(slice, sources_ - first);
          transform_part(b, first, count, weights.data(), slice_step);
          multiply(tile_points.data() + first, step, tiles, count, weights.data(), slice_step, b, first > 0,
                   products.data());
        }
        store_tiles(products.data(), positions.data(), tiles, b, result);
      });
    }
  }

  /// weights [block][points][source][block width] of all blocks.
  void transform_weights(float* weights) const {
    constexpr int64_t group = 8;
    const int64_t groups = divide_up(sources_, group);
    parallel_for(blocks_ * groups, [&](int64_t item) {
      const int64_t b = item / groups, first = item % groups * group;
      transform_part(b, first, std::min(group, sources_ - first),
                     weights + b * block_size() + first * block_width<float>(), weight_step());
    });
  }

  /// weights [points][source][block width] = G g G^T of a few sources of one block; points lie `step` floats apart.
  void transform_part(int64_t b, int64_t first, int64_t count, float* weights, int64_t step) const {
    const FloatTag tag;
    const int64_t lanes = block_width<float>() / 2;
    constexpr int64_t ahead = 6;  // sources lie too far apart for the processor to foresee the next
    const ConvPass& pass = pass_of(b);
    const int64_t above = pass.rows.offset - joined_.offset_y, left = pass.columns.offset - joined_.offset_x;
    const KernelPart part = part_of(pass, b % pass_blocks_, first, count);
    for (int64_t i = 0; i < count * 2; ++i) {
      FloatVec kernel[taps * taps], half[P * taps], row[P];
      std::fill(kernel, kernel + taps * taps, hn::Zero(tag));
      const float* tap = part.data + i / 2 * part.source_step + i % 2 * lanes;
      for (int64_t y = above; y < above + pass.rows.taps; ++y)
        for (int64_t x = left; x < left + pass.columns.taps; ++x, tap += part.tap_step) {
          kernel[y * taps + x] = hn::LoadU(tag, tap);
          hwy::Prefetch(tap + ahead * part.source_step);
        }
      for (int x = 0; x < taps; ++x) transform_kernel<P>(kernel + x, taps, half + x, taps);
      for (int y = 0; y < P; ++y) {
        transform_kernel<P>(half + taps * y, 1, row, 1);
        for (int x = 0; x < P; ++x) hn::StoreU(row[x], tag, weights + (y * P + x) * step + i * lanes);
      }
    }
  }

  /// Taps of a few sources and a whole block of results.
  struct KernelPart {
    const float* data;
    int64_t tap_step, source_step;
  };

  /// The kernel itself where it holds a whole block's taps in order, else a packed copy in scratch.
  KernelPart part_of(const ConvPass& pass, int64_t block_index, int64_t first, int64_t count) const {
    const int64_t block = block_width<float>(), channels = geometry_.out_channels;
    if (forward_ && (block_index + 1) * block <= results_)
      return {kernel_ + first * channels + block_index * block, sources_ * channels, channels};
    float* const packed = scratch<float>(1, taps * taps * count * block);
    pack_block(geometry_, forward_, pass, kernel_, 0, block_index, first, count, packed);
    return {packed, count * block, block};
  }

  /// products [points][tile][block width], point_step(tiles * block width) apart, of `sources` channels of the tiles'
  /// points, which lie `source_step` apart, and one block's weights, `step` apart; `adds` to what is there.
  void multiply(const float* tile_points, int64_t source_step, int64_t tiles, int64_t sources, const float* weights,
                int64_t step, int64_t b, bool adds, float* products) const {
    const int64_t block = block_width<float>(), lanes = block / 2, product_step = point_step(tiles * block);
    const float zeros[HWY_MAX_BYTES / 2] = {};
    TileTask<float> task{.rows = 1,
                         .row_step = 0,
                         .runs = 1,
                         .run_step = 0,
                         .run_length = sources,
                         .pixel_step = whole_vectors(sources_),
                         .result_step = block,
                         .channels = results_ - b % pass_blocks_ * block <= lanes ? lanes : block,
                         .weights = nullptr,
                         .bias = zeros,
                         .adds = adds,
                         .rectify = false,
                         .slope = 0};
    for (int64_t point = 0; point < points; ++point) {
      task.weights = weights + point * step;
      compute_row(task, tile_points + point * source_step, products + point * product_step, tiles, lanes);
    }
  }

  /// The results of one block for the tiles at `positions`.
  void store_tiles(const float* products, const TileGrid::Position* positions, int64_t tiles, int64_t b,
                   float* result) const {
    const int64_t block = block_width<float>(), lanes = block / 2, first_channel = b % pass_blocks_ * block;
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t c = 0; c < std::min(block, results_ - first_channel); c += lanes)
        store_tile(products + tile * block + c, point_step(tiles * block), pass_of(b), positions[tile],
                   first_channel + c, result);
  }

  /// A^T M A, bias and activation for a vector of channels of one tile; what overhangs the image is dropped.
  void store_tile(const float* products, int64_t point_step, const ConvPass& pass, const TileGrid::Position& at,
                  int64_t channel, float* result) const {
    const FloatTag tag;
    FloatVec column[P], half[winograd_tile * P], row[winograd_tile];
    for (int x = 0; x < P; ++x) {
      for (int y = 0; y < P; ++y) column[y] = hn::LoadU(tag, products + (y * P + x) * point_step);
      transform_result<P>(column, 1, half + x, P);
    }
    const FloatVec bias = hn::LoadU(tag, bias_.data() + channel);
    const FloatVec zero = hn::Zero(tag), slope = hn::Set(tag, epilogue_.slope);
    const int64_t rows = std::min(winograd_tile, pass.rows.count - at.y),
                  columns = std::min(winograd_tile, pass.columns.count - at.x);
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag)), channels = std::min(lanes, results_ - channel);
    const int64_t first_row = pass.rows.start + at.y * pass.rows.step,
                  first_column = pass.columns.start + at.x * pass.columns.step;
    const int64_t pixel_step = pass.columns.step * results_, row_step = pass.rows.step * result_size_.width * results_;
    float* target = result + channel +
                    ((at.image * result_size_.height + first_row) * result_size_.width + first_column) * results_;
    for (int64_t y = 0; y < rows; ++y, target += row_step) {
      transform_result<P>(half + P * y, 1, row, 1);
      for (int64_t x = 0; x < columns; ++x) {
        FloatVec value = hn::Add(row[x], bias);
        if (epilogue_.rectify) value = hn::IfThenElse(hn::Lt(value, zero), hn::Mul(value, slope), value);
        if (channels == lanes)
          hn::StoreU(value, tag, target + x * pixel_step);
        else
          store_first(value, tag, channels, target + x * pixel_step);
      }
    }
  }

  ConvGeometry geometry_;
  bool forward_;
  const float* kernel_;
  JoinedPasses joined_;
  Size2D source_size_, result_size_;
  int64_t sources_, results_;
  int64_t pass_blocks_, blocks_;  ///< of one pass and of all
  TileGrid grid_;
  Epilogue<float> epilogue_;
  Buffer<float> bias_;
};

void winograd_forward_f32(const ConvGeometry& g, std::span<const InputPart> input, const float* kernel,
                          const Epilogue<float>& e, float* output, WeightStore* store) {
  WinogradConvolution<6>({g, true}, join_passes({forward_pass(g)}), kernel, e).run(input, output, store);
}
void winograd_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  JoinedPasses passes = join_passes(backward_passes(g));
  const InputPart source[] = {{output, g.out_channels}};
  if (std::max(passes.reach_y, passes.reach_x) == 3)
    WinogradConvolution<6>({g, false}, std::move(passes), kernel, e).run(source, input, store);
  else
    WinogradConvolution<5>({g, false}, std::move(passes), kernel, e).run(source, input, store);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_forward_f32);
HWY_EXPORT(winograd_backward_f32);

double winograd_saving(const ConvGeometry& g) {
  return g.kernel == Size2D(3) && g.stride == Size2D(1) && g.dilation == Size2D(1) && g.groups == 1 ? 4 : 0;
}

double winograd_saving_backward(const ConvGeometry& g) {
  if (g.stride == Size2D(1)) return winograd_saving(g);
  const JoinedPasses joined = join_passes(backward_passes(g));
  const int64_t reach = std::max(joined.reach_y, joined.reach_x);
  if (g.groups != 1 || reach < 2 || reach > 3) return 0;
  int64_t taps = 0;
  for (const auto& [rows, columns] : joined.passes) {
    if ((rows.taps > 1 && rows.dilation != 1) || (columns.taps > 1 && columns.dilation != 1)) return 0;
    taps += rows.taps * columns.taps;
  }
  const auto passes = static_cast<int64_t>(joined.passes.size()), points = reach + 3;
  return static_cast<double>(16 * taps) / static_cast<double>(passes * points * points);
}

void winograd_forward(const ConvGeometry& g, std::span<const InputPart> input, const float* kernel,
                      const Epilogue<float>& e, float* output, WeightStore* store) {
  TESSERA_DISPATCH(winograd_forward_f32, is_narrow<float>(std::min(g.in_channels, g.out_channels)))
  (g, input, kernel, e, output, store);
}
void winograd_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                             float* input, WeightStore* store) {
  TESSERA_DISPATCH(winograd_backward_f32, is_narrow<float>(std::min(g.in_channels, g.out_channels)))
  (g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
