// Winograd convolution, forward and backward to the input: tiles of 4x4 results from 36 or fewer products. Back through
// a stride each phase has results of its own; forward through one, results are sums over the phases of the sources, and
// of more than three taps a side over parts of these. With dilation a tile's results lie as far apart as its taps.
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
#include <tessera/core/kernels/stream-inl.hpp>
#include <tessera/core/kernels/winograd_points-inl.hpp>
#include <tessera/core/parallel.hpp>
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
  WinogradConvolution(const ConvReading& reading, const JoinedPasses& passes, const float* kernel,
                      const Epilogue<float>& epilogue)
      : geometry_(reading.geometry),
        forward_(reading.forward),
        sums_(winograd_sums_passes(reading)),
        kernel_(kernel),
        passes_(passes.passes),
        source_size_(reading.source_size()),
        result_size_(reading.result_size()),
        sources_(reading.sources()),
        results_(reading.results()),
        pass_blocks_(divide_up(results_, block_width<float>())),
        terms_(sums_ ? static_cast<int64_t>(passes_.size()) : 1),
        blocks_(pass_blocks_ * static_cast<int64_t>(passes_.size()) / terms_),
        spread_(winograd_spread(reading)),
        streams_(passes_caches<float>(geometry_.batch * result_size_.height * result_size_.width, results_)),
        grid_(geometry_.batch, passes.rows, passes.columns, spread_),
        epilogue_(epilogue),
        bias_(pass_blocks_ * block_width<float>()) {
    const std::vector<PointAxes> axes = winograd_axes(reading, passes);
    for (std::size_t pass = 0; pass < passes_.size(); ++pass) {
      const Patches patches =
          sums_ ? patches_of(passes_[pass], spread_) : Patches{passes.offset_y, passes.offset_x, 1, spread_};
      sets_.push_back({axes[pass].rows, axes[pass].columns, patches});
      weight_begin_.push_back(weight_count_);
      weight_count_ += pass_blocks_ * sets_.back().weights() * weight_step();
    }
    loaded_ = sums_ ? sets_ : std::vector{sets_.front().whole()};
    std::fill(bias_.data(), bias_.data() + pass_blocks_ * block_width<float>(), 0.0f);
    if (epilogue.bias) std::copy(epilogue.bias, epilogue.bias + results_, bias_.data());
  }

  void run(std::span<const InputPart> source, float* result, WeightStore* store) const {
    if (blocks_ > 1 && weight_count_ > most_weights) return run_by_blocks(source, result);
    const auto weights = kept_weights<float>(store, weight_key(1, forward_, 1, passes_), weight_count_,
                                             [&](float* target) { transform_weights(target); });
    run_by_tiles(source, result, weights->data());
  }

 private:
  static constexpr int64_t taps = P - 3, most_points = P * P;

  /// One of the passes that a block of results is the sum of.
  struct Term {
    int64_t pass, block;  ///< block: of the pass's results
  };
  Term term(int64_t block, int64_t index) const {
    return terms_ > 1 ? Term{index, block} : Term{block / pass_blocks_, block % pass_blocks_};
  }
  template <class T>
  static const T& at(const std::vector<T>& all, int64_t index) {
    return all[static_cast<std::size_t>(index)];
  }
  const PointSet<P>& set_of(const Term& term) const { return at(sets_, term.pass); }
  /// Those of the results that a term is one of the terms of: of sums the first one's, which no other has more points
  /// than.
  const PointSet<P>& result_set_of(const Term& term) const { return sums_ ? sets_.front() : set_of(term); }

  /// Floats before a term's weights.
  int64_t weight_begin(const Term& term) const {
    return at(weight_begin_, term.pass) + term.block * set_of(term).weights() * weight_step();
  }
  /// Floats from a block's weights of one point to those of the next.
  int64_t weight_step() const { return point_step(sources_ * block_width<float>()); }

  /// Where the points of a number of tiles lie: those of each set from `begin` on, `step` floats apart.
  struct Place {
    int64_t begin, step;
  };
  /// The places of all sets, and at last their end.
  std::vector<Place> places(int64_t tiles) const {
    std::vector<Place> found{{0, 0}};
    for (const PointSet<P>& set : loaded_) {
      const int64_t begin = found.back().begin, step = point_step(tiles * set.places() * whole_vectors(sources_));
      found.back().step = step;
      found.push_back({begin + set.points() * step, 0});
    }
    return found;
  }

  /// Transforms the sources of `count` tiles, which are the tiles from `begin` on among those that `points` has places
  /// for.
  void load(std::span<const InputPart> source, const TileGrid::Position* positions, int64_t count, int64_t begin,
            const std::vector<Place>& places, float* points) const {
    int64_t channel = 0;
    for (const auto& [data, channels] : source) {
      for (std::size_t i = 0; i < loaded_.size(); ++i) {
        const PointSet<P>& set = loaded_[i];
        const PointSteps steps = set.steps(whole_vectors(sources_), places[i].step);
        float* const to = points + places[i].begin + begin * steps.tile + channel;
        for_patches<P>(positions, count, data, source_size_, channels, set.patches,
                       [&](int64_t tile, int64_t c, const auto& read)
                           HWY_ATTR { set.store_sources(read, steps, to + tile * steps.tile + c); });
      }
      channel += channels;
    }
  }

  /// For weights that the caches hold: a few tiles are transformed and multiplied with all of them.
  void run_by_tiles(std::span<const InputPart> source, float* result, const float* weights) const {
    // As many tiles as keep their points in half of the L2 cache; few units are made a multiple of 4, so that threads
    // have equal shares.
    int64_t tile_points = 0;
    for (const PointSet<P>& set : loaded_) tile_points += set.points() * set.places();
    const int64_t fitting = int64_t{256} * 1024 / (tile_points * sources_ * 4);
    int64_t units = divide_up(grid_.count(), std::clamp<int64_t>(fitting, 6, max_unit_tiles));
    if (units < 16 && grid_.count() >= 48) units = divide_up(units, 4) * 4;
    const int64_t tiles = divide_up(grid_.count(), std::max<int64_t>(units, 1));
    const int64_t parts = std::clamp<int64_t>(divide_up(4, std::max<int64_t>(units, 1)), 1, blocks_);
    parallel_for(units * parts, [&](int64_t item) {
      const int64_t first = item / parts * tiles, part = item % parts;
      if (first >= grid_.count()) return;
      const int64_t count = std::min(tiles, grid_.count() - first);
      TileGrid::Position positions[max_unit_tiles];
      grid_.positions(first, count, positions);
      const std::vector<Place> where = places(count);
      float* const points = scratch<float>(0, where.back().begin);
      load(source, positions, count, 0, where, points);
      float* const products = scratch<float>(2, most_products(count));
      for (int64_t b = blocks_ * part / parts; b < blocks_ * (part + 1) / parts; ++b) {
        for (int64_t t = 0; t < terms_; ++t)
          multiply(points, where, count, 0, sources_, weights + weight_begin(term(b, t)), weight_step(), term(b, t),
                   t > 0, products);
        store_tiles(products, positions, count, b, result);
      }
      if (streams_) hwy::FlushStream();
    });
  }

  /// For the many weights of deep layers, which have few tiles: many tiles are transformed, and of each block's weights
  /// as many at a time as stay in the L2 cache until they are multiplied with all of those.
  void run_by_blocks(std::span<const InputPart> source, float* result) const {
    constexpr int64_t loaded = 4, least = 64, slice = 64;
    const int64_t slice_step = point_step(slice * block_width<float>());
    const int64_t fitting = (int64_t{8} << 20) / (places(1).back().begin * 4);
    const int64_t rounds = divide_up(grid_.count(), std::max(fitting, least));
    const int64_t held = divide_up(grid_.count(), std::max<int64_t>(rounds, 1));
    const std::vector<Place> where = places(held);
    const Buffer<float> points(where.back().begin);
    std::vector<TileGrid::Position> positions(static_cast<std::size_t>(held));
    for (int64_t begin = 0; begin < grid_.count(); begin += held) {
      const int64_t tiles = std::min(held, grid_.count() - begin);
      grid_.positions(begin, tiles, positions.data());
      parallel_for(divide_up(tiles, loaded), [&](int64_t item) {
        const int64_t first = item * loaded;
        load(source, positions.data() + first, std::min(loaded, tiles - first), first, where, points.data());
      });
      parallel_for(blocks_, [&](int64_t b) {
        // Not from the arena, whose free pieces would then depend on how threads meet.
        float* const weights = scratch<float>(0, most_points * slice_step);
        float* const products = scratch<float>(2, most_products(tiles));
        for (int64_t t = 0; t < terms_; ++t)
          for (int64_t first = 0; first < sources_; first += slice) {
            const int64_t count = std::min(slice, sources_ - first);
            transform_part(term(b, t), first, count, weights, slice_step);
            multiply(points.data(), where, tiles, first, count, weights, slice_step, term(b, t), t > 0 || first > 0,
                     products);
          }
        store_tiles(products, positions.data(), tiles, b, result);
        if (streams_) hwy::FlushStream();
      });
    }
  }

  /// weights [pass][block][points][source][block width].
  void transform_weights(float* weights) const {
    constexpr int64_t group = 8;
    const int64_t groups = divide_up(sources_, group);
    parallel_for(blocks_ * terms_ * groups, [&](int64_t item) {
      const Term mine = term(item / groups / terms_, item / groups % terms_);
      const int64_t first = item % groups * group;
      transform_part(mine, first, std::min(group, sources_ - first),
                     weights + weight_begin(mine) + first * block_width<float>(), weight_step());
    });
  }

  /// weights [points][source][block width] = G g G^T of a few sources of one block; points lie `step` floats apart.
  void transform_part(const Term& term, int64_t first, int64_t count, float* weights, int64_t step) const {
    const FloatTag tag;
    const int64_t lanes = block_width<float>() / 2;
    constexpr int64_t ahead = 6;  // sources lie too far apart for the processor to foresee the next
    const ConvPass& pass = at(passes_, term.pass);
    const PointSet<P>& set = set_of(term);
    const int64_t above = pass.rows.offset - set.patches.y, left = pass.columns.offset - set.patches.x;
    const KernelPart part = part_of(pass, term.block, first, count);
    const int64_t block = block_width<float>(), results = std::min(results_ - term.block * block, block);
    for (int64_t source = 0; source < count; ++source)
      for (int64_t c = 0; c < results; c += lanes) {  // a vector without results is never read
        FloatVec kernel[taps * taps];
        std::fill(kernel, kernel + taps * taps, hn::Zero(tag));
        const float* tap = part.data + source * part.source_step + c;
        for (int64_t y = above; y < above + pass.rows.taps; ++y)
          for (int64_t x = left; x < left + pass.columns.taps; ++x, tap += part.tap_step) {
            kernel[y * taps + x] = hn::LoadU(tag, tap);
            hwy::Prefetch(tap + ahead * part.source_step);
          }
        set.store_kernel(kernel, step, weights + source * block + c);
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
    if (forward_ && terms_ == 1 && (block_index + 1) * block <= results_)
      return {kernel_ + first * channels + block_index * block, sources_ * channels, channels};
    float* const packed = scratch<float>(1, taps * taps * count * block);
    pack_block(geometry_, forward_, pass, kernel_, 0, block_index, first, count, packed);
    return {packed, count * block, block};
  }

  /// Floats from one point's products to the next one's, and the most that the points of a pass take.
  int64_t product_step(int64_t tiles, const PointSet<P>& set) const {
    return point_step(tiles * set.places() * block_width<float>());
  }
  int64_t most_products(int64_t tiles) const {
    int64_t most = 0;
    for (const PointSet<P>& set : sets_) most = std::max(most, set.points() * product_step(tiles, set));
    return most;
  }

  /// products [point][tile][place][block width] of `count` sources of the tiles' points, from the first on, and one
  /// block's weights, `step` apart; or adds them to what is there.
  void multiply(const float* points, const std::vector<Place>& places, int64_t tiles, int64_t first, int64_t count,
                const float* weights, int64_t step, const Term& term, bool adds, float* products) const {
    const PointSet<P>&set = set_of(term), &results = result_set_of(term);
    const int64_t load = sums_ ? term.pass : 0;
    const PointSet<P>& sources = at(loaded_, load);
    const Place& place = at(places, load);
    const int64_t block = block_width<float>(), lanes = block / 2, out_step = product_step(tiles, results);
    const float zeros[HWY_MAX_BYTES / 2] = {};
    TileTask<float> task{.rows = 1,
                         .row_step = 0,
                         .runs = 1,
                         .run_step = 0,
                         .run_length = count,
                         .pixel_step = whole_vectors(sources_),
                         .result_step = block,
                         .channels = results_ - term.block * block <= lanes ? lanes : block,
                         .weights = nullptr,
                         .bias = zeros,
                         .adds = adds,
                         .streams = false,
                         .rectify = false,
                         .slope = 0};
    for (int64_t y = 0; y < set.rows.points(P); ++y)
      for (int64_t x = 0; x < set.columns.points(P); ++x) {
        task.weights = weights + set.weights_of(y, x) * step;
        compute_row(task, points + place.begin + sources.index_of(set, y, x) * place.step + first,
                    products + results.index_of(set, y, x) * out_step, tiles * set.places(), lanes);
      }
  }

  /// The results of one block for the tiles at `positions`, from its products.
  void store_tiles(const float* products, const TileGrid::Position* positions, int64_t tiles, int64_t b,
                   float* result) const {
    constexpr int count = winograd_tile * winograd_tile;
    const int64_t block = block_width<float>(), lanes = block / 2, first_channel = term(b, 0).block * block;
    const PointSet<P>& set = result_set_of(term(b, 0));
    const PointSteps steps = set.steps(block, product_step(tiles, set));
    FloatVec results[count];
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t c = 0; c < std::min(block, results_ - first_channel); c += lanes) {
        const float* const from = products + tile * steps.tile + c;
        set.make_results([&](int64_t y, int64_t x)
                             HWY_ATTR { return hn::LoadU(FloatTag(), from + y * steps.row + x * steps.column); },
                         results);
        store_tile(results, at(passes_, term(b, 0).pass), positions[tile], first_channel + c, result);
      }
  }

  /// Bias and activation for a vector of channels of one tile's results; what overhangs the image is dropped.
  void store_tile(const FloatVec* results, const ConvPass& pass, const TileGrid::Position& at, int64_t channel,
                  float* result) const {
    const FloatTag tag;
    const FloatVec bias = hn::LoadU(tag, bias_.data() + channel), slope = hn::Set(tag, epilogue_.slope);
    const int64_t rows = std::min(winograd_tile, divide_up(pass.rows.count - at.y, spread_.height)),
                  columns = std::min(winograd_tile, divide_up(pass.columns.count - at.x, spread_.width));
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag)), channels = std::min(lanes, results_ - channel);
    const int64_t first_row = pass.rows.start + at.y * pass.rows.step,
                  first_column = pass.columns.start + at.x * pass.columns.step;
    const int64_t pixel_step = spread_.width * pass.columns.step * results_,
                  row_step = spread_.height * pass.rows.step * result_size_.width * results_;
    float* target = result + channel +
                    ((at.image * result_size_.height + first_row) * result_size_.width + first_column) * results_;
    for (int64_t y = 0; y < rows; ++y, target += row_step)
      for (int64_t x = 0; x < columns; ++x) {
        FloatVec value = hn::Add(results[y * winograd_tile + x], bias);
        if (epilogue_.rectify) value = rectified(value, slope);
        if (channels == lanes)
          store(streams_, value, tag, target + x * pixel_step);
        else
          store_first(value, tag, channels, target + x * pixel_step);
      }
  }

  ConvGeometry geometry_;
  bool forward_;
  bool sums_;  ///< whether results are sums over passes, each of patches of its own
  const float* kernel_;
  std::vector<ConvPass> passes_;
  Size2D source_size_, result_size_;
  int64_t sources_, results_;
  int64_t pass_blocks_;     ///< blocks of result channels
  int64_t terms_, blocks_;  ///< passes that results are sums of, and blocks of the results of all others
  Size2D spread_;
  bool streams_;  ///< whether results are stored past the caches
  TileGrid grid_;
  std::vector<PointSet<P>> sets_;      ///< of each pass
  std::vector<PointSet<P>> loaded_;    ///< that sources are transformed to: of each pass, or one for all
  std::vector<int64_t> weight_begin_;  ///< of each pass
  int64_t weight_count_ = 0;
  Epilogue<float> epilogue_;
  Buffer<float> bias_;
};

void convolve(const ConvReading& reading, std::span<const InputPart> source, const float* kernel,
              const Epilogue<float>& e, float* result, WeightStore* store) {
  const JoinedPasses passes = winograd_passes(reading);
  if (winograd_taps(reading, passes) == 3)
    WinogradConvolution<6>(reading, passes, kernel, e).run(source, result, store);
  else
    WinogradConvolution<5>(reading, passes, kernel, e).run(source, result, store);
}

void winograd_forward_f32(const ConvGeometry& g, std::span<const InputPart> input, const float* kernel,
                          const Epilogue<float>& e, float* output, WeightStore* store) {
  convolve({g, true}, input, kernel, e, output, store);
}
void winograd_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  const InputPart source[] = {{output, g.out_channels}};
  convolve({g, false}, source, kernel, e, input, store);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_forward_f32);
HWY_EXPORT(winograd_backward_f32);

void winograd_forward(const ConvGeometry& g, std::span<const InputPart> input, const float* kernel,
                      const Epilogue<float>& e, float* output, WeightStore* store) {
  TESSERA_DISPATCH(winograd_forward_f32, is_narrow_winograd(g.in_channels, g.out_channels))
  (g, input, kernel, e, output, store);
}
void winograd_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                             float* input, WeightStore* store) {
  TESSERA_DISPATCH(winograd_backward_f32, is_narrow_winograd(g.out_channels, g.in_channels))
  (g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
