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

constexpr int64_t winograd_points = 36;
/// Tiles transformed by one item of work, and tiles whose points and gradients stay in the L1 cache while they are
/// summed.
constexpr int64_t loaded_tiles = 8, summed_tiles = 128;

class WinogradWeightGradient {
 public:
  explicit WinogradWeightGradient(const ConvGeometry& geometry)
      : geometry_(geometry),
        grid_{geometry.batch, geometry.output.height, geometry.output.width},
        sources_(geometry.in_channels),
        results_(geometry.out_channels),
        block_(results_ <= lane_count<float>() ? lane_count<float>() : block_width<float>()),
        blocks_(divide_up(results_, block_)) {
    const int64_t fitting = int64_t{320} * 1024 / (winograd_points * sources_ * 4);
    tiles_ = std::clamp<int64_t>(fitting, 8, 64);
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
  /// For sums too large to keep a copy near every core: transforms many tiles, then sums over those. Where they are all
  /// there are, a piece of the sums is finished before the next, and never leaves the cache.
  void run_in_rounds(const float* input, const float* output, float* kernel_gradient) const {
    const int64_t tile_step = point_step(sources_);
    const int64_t bytes = winograd_points * (tile_step + blocks_ * block_) * 4;
    const int64_t whole = (int64_t{16} << 20) / bytes, part = (int64_t{8} << 20) / bytes;
    const int64_t held = grid_.count() <= whole ? grid_.count() : std::max<int64_t>(part, 1);
    Points points{.tile_step = tile_step,
                  .block_step = held * block_,
                  .source_step = point_step(held * tile_step),
                  .gradient_step = point_step(blocks_ * held * block_)};
    const Buffer<float> sources(winograd_points * points.source_step),
        gradients(winograd_points * points.gradient_step);
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
      parallel_for(winograd_points * blocks_, [&](int64_t item) {
        const int64_t point = item / blocks_, b = item % blocks_;
        add_tiles(points, tiles, point, b, 0, sources_, sums.data() + b * block_size() + point * sources_ * block_);
      });
    }
    store_gradients(sums.data(), 1, kernel_gradient);
  }

  /// Transformed tiles of all sources [36][tile][source] and of all blocks of gradients [36][block][tile][block width].
  struct Points {
    int64_t tile_step, block_step;
    int64_t source_step, gradient_step;  ///< of a point
    float *sources = nullptr, *gradients = nullptr;
  };

  void load_points(const float* input, const float* output, int64_t begin, int64_t tiles, const Points& points) const {
    parallel_for(divide_up(tiles, loaded_tiles), [&](int64_t item) {
      const int64_t first = item * loaded_tiles, count = std::min(loaded_tiles, tiles - first);
      TileGrid::Position positions[loaded_tiles];
      grid_.positions(begin + first, count, positions);
      load_sources(input, positions, count, points.sources + first * points.tile_step, points.source_step,
                   points.tile_step);
      for (int64_t b = 0; b < blocks_; ++b)
        load_gradients(output, positions, count, b, points.gradients + b * points.block_step + first * block_,
                       points.gradient_step);
    });
  }

  /// sums [source][block width] of `count` sources from `source` on += those of one point and block over the tiles.
  void add_tiles(const Points& points, int64_t tiles, int64_t point, int64_t b, int64_t source, int64_t count,
                 float* sums) const {
    for (int64_t first = 0; first < tiles; first += summed_tiles) {
      const PixelTask<float> task{1, std::min(summed_tiles, tiles - first), 0, points.tile_step, 0, block_};
      sum_run(task, points.sources + point * points.source_step + first * points.tile_step + source,
              points.gradients + point * points.gradient_step + b * points.block_step + first * block_, count, sums,
              block_, results_ - b * block_);
    }
  }

  void sum_by_pieces(const Points& points, int64_t tiles, float* kernel_gradient) const {
    constexpr int64_t piece = 64;
    const int64_t pieces = divide_up(sources_, piece);
    parallel_for(blocks_ * pieces, [&](int64_t item) {
      const int64_t b = item / pieces, first = item % pieces * piece, count = std::min(piece, sources_ - first);
      float* const sums = scratch<float>(0, winograd_points * piece * block_);
      std::fill(sums, sums + winograd_points * count * block_, 0.0f);
      for (int64_t point = 0; point < winograd_points; ++point)
        add_tiles(points, tiles, point, b, first, count, sums + point * count * block_);
      for (int64_t source = 0; source < count; ++source)
        store_gradient(sums + source * block_, count * block_, 1, b, first + source, kernel_gradient);
    });
  }

  /// Whether every chunk of units sums by itself: where its sums stay in a core's L2 cache, and larger ones where many
  /// tiles share them.
  bool keeps_sums_near() const {
    constexpr int64_t small = winograd_points * 32 * 64, large = 2 * small;
    return size() <= (grid_.count() < 1024 ? small : large);
  }

  /// Sums of one block of result channels: [36][source][block width].
  int64_t block_size() const { return winograd_points * sources_ * block_; }
  int64_t size() const { return blocks_ * block_size(); }

  void add_unit(const float* input, const float* output, int64_t unit, float* sums) const {
    const int64_t padded = whole_vectors(sources_);
    const int64_t first = unit * tiles_, tiles = std::min(tiles_, grid_.count() - first);
    const int64_t source_step = point_step(tiles * padded), gradient_step = point_step(tiles * block_);
    float* const points = scratch<float>(0, winograd_points * source_step);
    float* const gradients = scratch<float>(2, winograd_points * gradient_step);
    TileGrid::Position positions[max_unit_tiles];
    grid_.positions(first, tiles, positions);
    load_sources(input, positions, tiles, points, source_step, padded);
    const PixelTask<float> task{1, tiles, 0, padded, 0, block_};
    for (int64_t b = 0; b < blocks_; ++b) {
      load_gradients(output, positions, tiles, b, gradients, gradient_step);
      for (int64_t point = 0; point < winograd_points; ++point)
        sum_run(task, points + point * source_step, gradients + point * gradient_step, sources_,
                sums + b * block_size() + point * sources_ * block_, block_, results_ - b * block_);
    }
  }

  /// points[36][tiles][sources] = B^T d B, the points `step` floats apart, the tiles `tile_step`.
  void load_sources(const float* input, const TileGrid::Position* positions, int64_t tiles, float* points, int64_t step,
                    int64_t tile_step) const {
    const PointSet<6> set;
    for_patches<6>(positions, tiles, input, geometry_.input, sources_, {-geometry_.pad.top, -geometry_.pad.left},
                   [&](int64_t tile, int64_t c, const auto& read)
                       HWY_ATTR { set.store_sources(read, set.steps(0, step), points + tile * tile_step + c); });
  }

  /// points[36][tiles][block width] = A dy A^T of one block of channels, the points `step` floats apart.
  void load_gradients(const float* output, const TileGrid::Position* positions, int64_t tiles, int64_t b, float* points,
                      int64_t step) const {
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t c = 0; c < std::min(block_, results_ - b * block_); c += lane_count<float>())
        load_gradient(output, positions[tile], b * block_ + c, points + tile * block_ + c, step);
  }

  /// points = A dy A^T for a vector of channels of one tile; zeros where the tile overhangs the image.
  void load_gradient(const float* output, const TileGrid::Position& at, int64_t channel, float* points,
                     int64_t point_step) const {
    const FloatTag tag;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag)), channels = std::min(lanes, results_ - channel);
    const int64_t rows = std::min(winograd_tile, grid_.height - at.y),
                  columns = std::min(winograd_tile, grid_.width - at.x);
    FloatVec half[24], column[4], row[6];
    const float* from = output + ((at.image * grid_.height + at.y) * grid_.width + at.x) * results_ + channel;
    for (int x = 0; x < 4; ++x) {
      for (int y = 0; y < 4; ++y) {
        const float* pixel = from + (y * grid_.width + x) * results_;
        if (y >= rows || x >= columns || channels <= 0) {
          column[y] = hn::Zero(tag);
        } else if (channels == lanes) {
          column[y] = hn::LoadU(tag, pixel);
        } else {
          column[y] = load_first(tag, channels, pixel);
        }
      }
      transform_gradient(column, 1, half + x, 4);
    }
    for (int y = 0; y < 6; ++y) {
      transform_gradient(half + 4 * y, 1, row, 1);
      for (int x = 0; x < 6; ++x) hn::StoreU(row[x], tag, points + (y * 6 + x) * point_step);
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
    for (int64_t c = b * block_; c < std::min((b + 1) * block_, results_); c += lanes) {
      FloatVec points[36], half[18], row[3];
      for (int point = 0; point < 36; ++point) {
        const float* term = sums + point * step + c % block_;
        points[point] = hn::LoadU(tag, term);
        for (int64_t chunk = 1; chunk < chunks; ++chunk)
          points[point] = hn::Add(points[point], hn::LoadU(tag, term + chunk * size()));
      }
      for (int x = 0; x < 6; ++x) transform_kernel_gradient(points + x, 6, half + x, 6);
      for (int y = 0; y < 3; ++y) {
        transform_kernel_gradient(half + 6 * y, 1, row, 1);
        for (int x = 0; x < 3; ++x)
          store_first(row[x], tag, std::min(lanes, results_ - c),
                      kernel_gradient + ((y * 3 + x) * sources_ + source) * results_ + c);
      }
    }
  }

  ConvGeometry geometry_;
  TileGrid grid_;
  int64_t sources_, results_;
  int64_t block_;  ///< channels of a block: two vectors, or one where that holds them all
  int64_t blocks_;
  int64_t tiles_, units_;  ///< tiles a unit, units in all
  int64_t chunks_;         ///< of units, each with sums of its own
};

void winograd_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  WinogradWeightGradient(g).run(input, output, kernel_gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_kernel_f32);

void winograd_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(winograd_kernel_f32, is_narrow<float>(std::min(g.in_channels, g.out_channels)))
  (g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
