// The kernel's gradient by Winograd: dU = sum over tiles of (B^T d B) x (A dy A^T), then dg = G^T dU G.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_sum-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd_points-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Tiles transformed by one item of work, and tiles whose points and gradients stay in the L1 cache while they are
/// summed.
constexpr int64_t loaded_tiles = 8, summed_tiles = 128;

/// Of all passes, whose taps are P - 3 a side at most, from P points a side; they share the transformed gradients.
template <int P>
class WinogradWeightGradient {
 public:
  WinogradWeightGradient(const ConvGeometry& geometry, const JoinedPasses& passes)
      : geometry_(geometry),
        passes_(passes.passes),
        spread_(winograd_spread({geometry, true})),
        grid_(geometry.batch, geometry.output.height, geometry.output.width, spread_),
        sources_(geometry.in_channels),
        results_(geometry.out_channels),
        block_(results_ <= lane_count<float>() ? lane_count<float>() : block_width<float>()),
        blocks_(divide_up(results_, block_)) {
    const std::vector<PointAxes> axes = winograd_axes({geometry, true}, passes);
    for (std::size_t pass = 0; pass < passes_.size(); ++pass) {
      sets_.push_back({axes[pass].rows, axes[pass].columns, patches_of(passes_[pass], spread_)});
      add_runs(sets_.back());
    }
    const int64_t fitting = int64_t{passes_.size() > 1 ? 512 : 320} * 1024 / (all_points_ * places() * sources_ * 4);
    int64_t units = divide_up(grid_.count(), std::clamp<int64_t>(fitting, 8, 64));
    if (units > 2 && units < 16) units = divide_up(units, 4) * 4;  // equal shares
    tiles_ = std::max<int64_t>(divide_up(grid_.count(), std::max<int64_t>(units, 1)), 1);
    units_ = divide_up(grid_.count(), tiles_);
    chunks_ = std::clamp<int64_t>(units_, 1, 8);
  }

  void run(const float* input, const float* output, float* kernel_gradient) const {
    if (!keeps_sums_near()) return run_in_rounds(input, output, kernel_gradient);
    const Buffer<float> sums(chunks_ * size());
    parallel_for(chunks_, [&](int64_t chunk) {
      float* mine = sums.data() + chunk * size();
      std::fill(mine, mine + size(), 0.0f);
      for (int64_t unit = units_ * chunk / chunks_; unit < units_ * (chunk + 1) / chunks_; ++unit)
        add_unit(input, output, unit, mine);
    });
    store_gradients(sums.data(), chunks_, kernel_gradient);
  }

 private:
  /// The points that gradients are transformed to: the first pass's, which no other has more than.
  const PointSet<P>& gradient_set() const { return sets_.front(); }
  int64_t places() const { return gradient_set().places(); }

  /// Points of all passes' sources and of the gradients whose products a sum is of: so many, and how far apart.
  struct PointRun {
    int64_t source, gradient, count, source_apart, gradient_apart;
  };
  const std::vector<PointRun>& runs_of(int64_t sum) const { return runs_of_[static_cast<std::size_t>(sum)]; }
  int64_t sum_count() const { return static_cast<int64_t>(runs_of_.size()); }

  /// Of the sums of the next pass: along an axis of one tap all points belong to the same sum.
  void add_runs(const PointSet<P>& set) {
    const auto first = static_cast<int64_t>(runs_of_.size());
    const int64_t height = set.rows.points(P), width = set.columns.points(P);
    runs_of_.resize(static_cast<std::size_t>(first + set.weights()));
    const bool along_x = set.columns.single >= 0, along_y = !along_x && set.rows.single >= 0;
    for (int64_t y = 0; y < (along_y ? 1 : height); ++y)
      for (int64_t x = 0; x < (along_x ? 1 : width); ++x)
        runs_of_[static_cast<std::size_t>(first + set.weights_of(y, x))].push_back(
            {all_points_ + y * width + x, gradient_set().index_of(set, y, x), along_x ? width : (along_y ? height : 1),
             along_x ? 1 : width, along_x ? 1 : gradient_set().columns.points(P)});
    point_begin_.push_back(all_points_);
    sum_begin_.push_back(first);
    all_points_ += set.points();
  }

  /// For sums too large to keep a copy near every core: transforms many tiles, then sums over those. Where they are all
  /// there are, a piece of the sums is finished before the next, and never leaves the cache.
  void run_in_rounds(const float* input, const float* output, float* kernel_gradient) const {
    const int64_t step = point_step(sources_), gradient_points = gradient_set().points();
    const int64_t bytes = (all_points_ * step + gradient_points * blocks_ * block_) * places() * 4;
    const int64_t whole = (int64_t{16} << 20) / bytes, part = (int64_t{8} << 20) / bytes;
    const int64_t held = grid_.count() <= whole ? grid_.count() : std::max<int64_t>(part, 1);
    Points points{.step = step,
                  .block_step = held * places() * block_,
                  .source_step = point_step(held * places() * step),
                  .gradient_step = point_step(blocks_ * held * places() * block_)};
    const Buffer<float> sources(all_points_ * points.source_step), gradients(gradient_points * points.gradient_step);
    points.sources = sources.data();
    points.gradients = gradients.data();
    if (held == grid_.count()) {
      load_points(input, output, 0, held, points);
      return sum_by_pieces(points, held, kernel_gradient);
    }
    const Buffer<float> sums(size());
    std::fill(sums.data(), sums.data() + size(), 0.0f);
    for (int64_t begin = 0; begin < grid_.count(); begin += held) {
      const int64_t tiles = std::min(held, grid_.count() - begin);
      load_points(input, output, begin, tiles, points);
      parallel_for(sum_count() * blocks_, [&](int64_t item) {
        const int64_t sum = item / blocks_, b = item % blocks_;
        add_tiles(points, tiles, sum, b, 0, sources_, sums.data() + b * block_size() + sum * sources_ * block_);
      });
    }
    store_gradients(sums.data(), 1, kernel_gradient);
  }

  /// Transformed tiles of all sources [point][tile][place][source] and of all blocks of gradients
  /// [point][block][tile][place][block width].
  struct Points {
    int64_t step, block_step;            ///< from one place's sources, and one block's gradients, to the next
    int64_t source_step, gradient_step;  ///< of a point
    float *sources = nullptr, *gradients = nullptr;
  };

  void load_points(const float* input, const float* output, int64_t begin, int64_t tiles, const Points& points) const {
    parallel_for(divide_up(tiles, loaded_tiles), [&](int64_t item) {
      const int64_t first = item * loaded_tiles, count = std::min(loaded_tiles, tiles - first);
      TileGrid::Position positions[loaded_tiles];
      grid_.positions(begin + first, count, positions);
      load_sources(input, positions, count, points.sources + first * places() * points.step, points.source_step,
                   points.step);
      for (int64_t b = 0; b < blocks_; ++b)
        load_gradients(output, positions, count, b,
                       points.gradients + b * points.block_step + first * places() * block_, points.gradient_step);
    });
  }

  /// sums [source][block width] of `count` sources from `source` on += those of one sum and block over the tiles.
  void add_tiles(const Points& points, int64_t tiles, int64_t sum, int64_t b, int64_t source, int64_t count,
                 float* sums) const {
    const int64_t all = tiles * places();
    for (const PointRun& run : runs_of(sum))
      for (int64_t first = 0; first < all; first += summed_tiles) {
        const PixelTask<float> task{
            run.count,   std::min(summed_tiles, all - first),       run.source_apart * points.source_step,
            points.step, run.gradient_apart * points.gradient_step, block_};
        sum_run(task, points.sources + run.source * points.source_step + first * points.step + source,
                points.gradients + run.gradient * points.gradient_step + b * points.block_step + first * block_, count,
                sums, block_, results_ - b * block_);
      }
  }

  void sum_by_pieces(const Points& points, int64_t tiles, float* kernel_gradient) const {
    constexpr int64_t piece = 64;
    const int64_t pieces = divide_up(sources_, piece);
    parallel_for(blocks_ * pieces, [&](int64_t item) {
      const int64_t b = item / pieces, first = item % pieces * piece, count = std::min(piece, sources_ - first);
      float* const sums = scratch<float>(0, sum_count() * piece * block_);
      std::fill(sums, sums + sum_count() * count * block_, 0.0f);
      for (int64_t sum = 0; sum < sum_count(); ++sum)
        add_tiles(points, tiles, sum, b, first, count, sums + sum * count * block_);
      for (int64_t source = 0; source < count; ++source)
        store_gradient(sums + source * block_, count * block_, 1, b, first + source, kernel_gradient);
    });
  }

  /// Whether every chunk of units sums by itself: where its sums stay in a core's L2 cache, and larger ones where many
  /// tiles share them.
  bool keeps_sums_near() const {
    constexpr int64_t small = int64_t{36} * 32 * 64, large = 2 * small;
    return size() <= (grid_.count() < 1024 ? small : large);
  }

  /// Sums of one block of result channels: [point][source][block width].
  int64_t block_size() const { return sum_count() * sources_ * block_; }
  int64_t size() const { return blocks_ * block_size(); }

  void add_unit(const float* input, const float* output, int64_t unit, float* sums) const {
    const int64_t padded = whole_vectors(sources_);
    const int64_t first = unit * tiles_, tiles = std::min(tiles_, grid_.count() - first);
    const int64_t all = tiles * places();
    const int64_t source_step = point_step(all * padded), gradient_step = point_step(all * block_);
    float* const points = scratch<float>(0, all_points_ * source_step);
    float* const gradients = scratch<float>(2, gradient_set().points() * gradient_step);
    TileGrid::Position positions[max_unit_tiles];
    grid_.positions(first, tiles, positions);
    load_sources(input, positions, tiles, points, source_step, padded);
    for (int64_t b = 0; b < blocks_; ++b) {
      load_gradients(output, positions, tiles, b, gradients, gradient_step);
      for (int64_t sum = 0; sum < sum_count(); ++sum)
        for (const PointRun& run : runs_of(sum)) {
          const PixelTask<float> task{
              run.count, all, run.source_apart * source_step, padded, run.gradient_apart * gradient_step, block_};
          sum_run(task, points + run.source * source_step, gradients + run.gradient * gradient_step, sources_,
                  sums + b * block_size() + sum * sources_ * block_, block_, results_ - b * block_);
        }
    }
  }

  /// points [point][tile][place][sources] = B^T d B, the points `step` floats apart, the places `place_step`.
  void load_sources(const float* input, const TileGrid::Position* positions, int64_t tiles, float* points, int64_t step,
                    int64_t place_step) const {
    for (std::size_t pass = 0; pass < sets_.size(); ++pass) {
      const PointSet<P>& set = sets_[pass];
      const PointSteps steps = set.steps(place_step, step);
      float* const to = points + point_begin_[pass] * step;
      for_patches<P>(positions, tiles, input, geometry_.input, sources_, set.patches,
                     [&](int64_t tile, int64_t c, const auto& read)
                         HWY_ATTR { set.store_sources(read, steps, to + tile * steps.tile + c); });
    }
  }

  /// points [point][tile][place][block width] = A dy A^T of one block of channels, the points `step` floats apart;
  /// zeros where a tile overhangs the image.
  void load_gradients(const float* output, const TileGrid::Position* positions, int64_t tiles, int64_t b, float* points,
                      int64_t step) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>();
    const PointSteps steps = gradient_set().steps(block_, step);
    const Size2D size = geometry_.output;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const TileGrid::Position& at = positions[tile];
      const int64_t rows = size.height - at.y, columns = size.width - at.x;
      for (int64_t c = 0; c < std::min(block_, results_ - b * block_); c += lanes) {
        const int64_t channel = b * block_ + c, channels = results_ - channel;
        const float* from = output + ((at.image * size.height + at.y) * size.width + at.x) * results_ + channel;
        const auto read = [&](int64_t i, int64_t j) HWY_ATTR {
          const int64_t y = i * spread_.height, x = j * spread_.width;
          const float* pixel = from + (y * size.width + x) * results_;
          if (y >= rows || x >= columns) return hn::Zero(tag);
          return channels >= lanes ? hn::LoadU(tag, pixel) : load_first(tag, channels, pixel);
        };
        gradient_set().store_gradients(read, steps, points + tile * steps.tile + c);
      }
    }
  }

  void store_gradients(const float* sums, int64_t chunks, float* kernel_gradient) const {
    parallel_for(blocks_ * divide_up(sources_, 16), [&](int64_t item) {
      const int64_t b = item % blocks_, first = item / blocks_ * 16;
      for (int64_t source = first; source < std::min(first + 16, sources_); ++source)
        store_gradient(sums + b * block_size() + source * block_, sources_ * block_, chunks, b, source,
                       kernel_gradient);
    });
  }

  /// Adds the chunks' sums of one source channel and a block of result channels, whose points lie `step` apart, in
  /// order, and stores G^T dU G.
  void store_gradient(const float* sums, int64_t step, int64_t chunks, int64_t b, int64_t source,
                      float* kernel_gradient) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>();
    for (std::size_t pass = 0; pass < sets_.size(); ++pass)
      for (int64_t c = b * block_; c < std::min((b + 1) * block_, results_); c += lanes) {
        FloatVec points[P * P], taps[(P - 3) * (P - 3)];
        for (int64_t point = 0; point < sets_[pass].weights(); ++point) {
          const float* term = sums + (sum_begin_[pass] + point) * step + c % block_;
          points[point] = hn::LoadU(tag, term);
          for (int64_t chunk = 1; chunk < chunks; ++chunk)
            points[point] = hn::Add(points[point], hn::LoadU(tag, term + chunk * size()));
        }
        sets_[pass].kernel_gradients(points, taps);
        const auto& [rows, columns] = passes_[pass];
        for (int64_t y = 0; y < rows.taps; ++y)
          for (int64_t x = 0; x < columns.taps; ++x)
            store_first(taps[(P - 3) * y + x], tag, std::min(lanes, results_ - c),
                        kernel_gradient +
                            ((rows.tap(y) * geometry_.kernel.width + columns.tap(x)) * sources_ + source) * results_ +
                            c);
      }
  }

  ConvGeometry geometry_;
  std::vector<ConvPass> passes_;
  std::vector<PointSet<P>> sets_;                 ///< of each pass
  std::vector<int64_t> point_begin_, sum_begin_;  ///< the points, and the sums, before those of each pass
  std::vector<std::vector<PointRun>> runs_of_;    ///< of each sum
  int64_t all_points_ = 0;
  Size2D spread_;
  TileGrid grid_;
  int64_t sources_, results_;
  int64_t block_;  ///< channels of a block: two vectors, or one where that holds them all
  int64_t blocks_;
  int64_t tiles_, units_;  ///< tiles a unit, units in all
  int64_t chunks_;         ///< of units, each with sums of its own
};

void winograd_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  const ConvReading reading{g, true};
  const JoinedPasses passes = winograd_passes(reading);
  if (winograd_taps(reading, passes) == 3)
    WinogradWeightGradient<6>(g, passes).run(input, output, kernel_gradient);
  else
    WinogradWeightGradient<5>(g, passes).run(input, output, kernel_gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_kernel_f32);

void winograd_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(winograd_kernel_f32, is_narrow_winograd(g.in_channels, g.out_channels))
  (g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
