// The kernel's gradient by Winograd: dU = sum over tiles of (B^T d B) x (A dy A^T), then dg = G^T dU G.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_sum-inl.hpp>
#include <tessera/core/kernels/winograd-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

class WinogradWeightGradient {
 public:
  explicit WinogradWeightGradient(const ConvGeometry& geometry)
      : geometry_(geometry),
        grid_{geometry.batch, geometry.output.height, geometry.output.width},
        sources_(geometry.in_channels),
        results_(geometry.out_channels),
        blocks_(divide_up(results_, block_width<float>())) {
    const int64_t fitting = int64_t{320} * 1024 / (winograd_points * sources_ * 4);
    tiles_ = std::clamp<int64_t>(fitting, 8, 64);
    units_ = divide_up(grid_.count(), tiles_);
    // Private sums for each chunk of units, within 32 MB; blocks of channels are shared out where chunks are few.
    chunks_ = std::clamp<int64_t>((int64_t{8} << 20) / size(), 1, std::clamp<int64_t>(units_, 1, 8));
    parts_ = std::clamp<int64_t>(divide_up(4, chunks_), 1, blocks_);
  }

  void run(const float* input, const float* output, float* kernel_gradient) const {
    const Buffer<float> sums(chunks_ * size());
    parallel_for(chunks_ * parts_, [&](int64_t item) {
      const int64_t chunk = item / parts_, part = item % parts_;
      const int64_t first = blocks_ * part / parts_, last = blocks_ * (part + 1) / parts_;
      float* mine = sums.data() + chunk * size();
      std::fill(mine + first * block_size(), mine + last * block_size(), 0.0f);
      for (int64_t unit = units_ * chunk / chunks_; unit < units_ * (chunk + 1) / chunks_; ++unit)
        add_unit(input, output, unit, first, last, mine);
    });
    parallel_for(blocks_ * divide_up(sources_, 16), [&](int64_t item) {
      const int64_t b = item % blocks_, first = item / blocks_ * 16;
      for (int64_t source = first; source < std::min(first + 16, sources_); ++source)
        store_gradient(sums.data(), b, source, kernel_gradient);
    });
  }

 private:
  /// Sums of one block of result channels: [36][source][block width].
  int64_t block_size() const { return winograd_points * sources_ * block_width<float>(); }
  int64_t size() const { return blocks_ * block_size(); }

  void add_unit(const float* input, const float* output, int64_t unit, int64_t first_block, int64_t last_block,
                float* sums) const {
    const int64_t block = block_width<float>(), padded = whole_vectors(sources_);
    const int64_t first = unit * tiles_, tiles = std::min(tiles_, grid_.count() - first);
    float* const points = scratch<float>(0, winograd_points * tiles * padded);
    float* const gradients = scratch<float>(2, winograd_points * tiles * block);
    TileGrid::Position positions[max_unit_tiles];
    grid_.positions(first, tiles, positions);
    load_tiles(positions, tiles, input, geometry_.input, sources_, -geometry_.pad.top, -geometry_.pad.left, points);
    const PixelTask<float> task{1, tiles, 0, padded, 0, block};
    for (int64_t b = first_block; b < last_block; ++b) {
      for (int64_t tile = 0; tile < tiles; ++tile)
        for (int64_t half = 0; half < 2; ++half)
          load_gradient(output, positions[tile], b * block + half * (block / 2),
                        gradients + tile * block + half * (block / 2), tiles * block);
      for (int64_t point = 0; point < winograd_points; ++point)
        sum_run(task, points + point * tiles * padded, gradients + point * tiles * block, sources_,
                sums + b * block_size() + point * sources_ * block);
    }
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
          float whole[HWY_MAX_BYTES / sizeof(float)] = {};
          std::copy(pixel, pixel + channels, whole);
          column[y] = hn::LoadU(tag, whole);
        }
      }
      transform_gradient(column, 1, half + x, 4);
    }
    for (int y = 0; y < 6; ++y) {
      transform_gradient(half + 4 * y, 1, row, 1);
      for (int x = 0; x < 6; ++x) hn::StoreU(row[x], tag, points + (y * 6 + x) * point_step);
    }
  }

  /// Adds the chunks' sums of one source channel and a block of result channels in order, and stores G^T dU G.
  void store_gradient(const float* sums, int64_t b, int64_t source, float* kernel_gradient) const {
    const FloatTag tag;
    const int64_t block = block_width<float>(), lanes = block / 2;
    for (int64_t c = b * block; c < std::min((b + 1) * block, results_); c += lanes) {
      FloatVec points[36], half[18], row[3];
      for (int point = 0; point < 36; ++point) {
        const float* term = sums + b * block_size() + (point * sources_ + source) * block + c % block;
        points[point] = hn::LoadU(tag, term);
        for (int64_t chunk = 1; chunk < chunks_; ++chunk)
          points[point] = hn::Add(points[point], hn::LoadU(tag, term + chunk * size()));
      }
      for (int x = 0; x < 6; ++x) transform_kernel_gradient(points + x, 6, half + x, 6);
      for (int y = 0; y < 3; ++y) {
        transform_kernel_gradient(half + 6 * y, 1, row, 1);
        for (int x = 0; x < 3; ++x) {
          float whole[HWY_MAX_BYTES / sizeof(float)];
          hn::StoreU(row[x], tag, whole);
          std::copy(whole, whole + std::min(lanes, results_ - c),
                    kernel_gradient + ((y * 3 + x) * sources_ + source) * results_ + c);
        }
      }
    }
  }

  ConvGeometry geometry_;
  TileGrid grid_;
  int64_t sources_, results_, blocks_;
  int64_t tiles_, units_;  ///< tiles a unit, units in all
  int64_t chunks_, parts_;
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
  HWY_DYNAMIC_DISPATCH(winograd_kernel_f32)(g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
