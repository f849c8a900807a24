// Winograd convolution, forward and backward to the input: tiles of 4x4 results from 36 products each.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/winograd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Transformed weights, four times as large as the kernel, are made whole and kept for the next inference up to this
/// many. Larger ones are made and used a few blocks at a time: it costs a tenth of a deep network's inference, where
/// keeping them would cost more memory than all the rest.
constexpr int64_t most_weights = 640 * 1024;

class WinogradConvolution {
 public:
  WinogradConvolution(const ConvGeometry& geometry, bool forward, const float* kernel, const Epilogue<float>& epilogue)
      : geometry_(geometry),
        forward_(forward),
        kernel_(kernel),
        pass_(forward ? forward_pass(geometry) : backward_passes(geometry).front()),
        source_size_(forward ? geometry.input : geometry.output),
        sources_(forward ? geometry.in_channels : geometry.out_channels),
        results_(forward ? geometry.out_channels : geometry.in_channels),
        blocks_(divide_up(results_, block_width<float>())),
        grid_{geometry.batch, pass_.rows.count, pass_.columns.count},
        epilogue_(epilogue),
        bias_(blocks_ * block_width<float>()) {
    std::fill(bias_.data(), bias_.data() + blocks_ * block_width<float>(), 0.0f);
    if (epilogue.bias) std::copy(epilogue.bias, epilogue.bias + results_, bias_.data());
  }

  void run(const float* source, float* result, WeightStore* store) const {
    const int64_t block_size = winograd_points * sources_ * block_width<float>();
    const int64_t together = std::max<int64_t>(most_weights / block_size, 1);
    if (blocks_ <= together) {
      const auto weights = kept_weights<float>(store, weight_key(1, forward_, {pass_}), blocks_ * block_size,
                                               [&](float* target) { transform_weights(0, blocks_, target); });
      return multiply(source, result, weights->data(), 0, blocks_);
    }
    const Buffer<float> weights(together * block_size);
    for (int64_t first = 0; first < blocks_; first += together) {
      const int64_t last = std::min(first + together, blocks_);
      transform_weights(first, last, weights.data());
      multiply(source, result, weights.data(), first, last);
    }
  }

 private:
  /// Results of blocks first_block .. last_block - 1, of which `weights` holds the transformed kernel.
  void multiply(const float* source, float* result, const float* weights, int64_t first_block,
                int64_t last_block) const {
    // As many tiles as keep their points in half of the L2 cache; few units are made a multiple of 4, so that threads
    // have equal shares.
    const int64_t fitting = int64_t{256} * 1024 / (winograd_points * sources_ * 4);
    int64_t units = divide_up(grid_.count(), std::clamp<int64_t>(fitting, 6, max_unit_tiles));
    if (units < 16 && grid_.count() >= 48) units = divide_up(units, 4) * 4;
    const int64_t tiles = divide_up(grid_.count(), std::max<int64_t>(units, 1)), blocks = last_block - first_block;
    const int64_t parts = std::clamp<int64_t>(divide_up(4, std::max<int64_t>(units, 1)), 1, blocks);
    parallel_for(units * parts, [&](int64_t item) {
      const int64_t first = item / parts * tiles, part = item % parts;
      if (first >= grid_.count()) return;
      const int64_t begin = blocks * part / parts, end = blocks * (part + 1) / parts;
      compute(source, result, weights + begin * winograd_points * sources_ * block_width<float>(), first,
              std::min(tiles, grid_.count() - first), first_block + begin, first_block + end);
    });
  }

  /// weights [block][36][source][block width] = G g G^T of blocks first_block .. last_block - 1.
  void transform_weights(int64_t first_block, int64_t last_block, float* weights) const {
    const FloatTag tag;
    const int64_t block = block_width<float>(), lanes = block / 2;
    // A few sources at a time go through scratch: 36 streams written far apart would fight for the same cache lines.
    constexpr int64_t group = 8;
    const int64_t groups = divide_up(sources_, group);
    parallel_for((last_block - first_block) * groups, [&](int64_t item) {
      const int64_t b = item / groups, first = item % groups * group, count = std::min(group, sources_ - first);
      float* const packed = scratch<float>(2, 9 * group * block);
      pack_block(geometry_, forward_, pass_, kernel_, 0, first_block + b, first, count, packed);
      float* const staged = scratch<float>(1, winograd_points * group * block);
      for (int64_t i = 0; i < count * 2; ++i) {
        FloatVec taps[9], half[18], row[6];
        for (int tap = 0; tap < 9; ++tap) taps[tap] = hn::LoadU(tag, packed + tap * count * block + i * lanes);
        for (int x = 0; x < 3; ++x) transform_kernel(taps + x, 3, half + x, 3);
        for (int y = 0; y < 6; ++y) {
          transform_kernel(half + 3 * y, 1, row, 1);
          for (int x = 0; x < 6; ++x) hn::StoreU(row[x], tag, staged + (y * 6 + x) * group * block + i * lanes);
        }
      }
      for (int64_t point = 0; point < winograd_points; ++point) {
        const float* values = staged + point * group * block;
        std::copy(values, values + count * block, weights + ((b * winograd_points + point) * sources_ + first) * block);
      }
    });
  }

  void compute(const float* source, float* result, const float* weights, int64_t first, int64_t tiles,
               int64_t first_block, int64_t last_block) const {
    const int64_t block = block_width<float>(), lanes = block / 2, padded = whole_vectors(sources_);
    const int64_t source_step = point_step(tiles * padded), result_step = point_step(tiles * block);
    float* const points = scratch<float>(0, winograd_points * source_step);
    float* const products = scratch<float>(2, winograd_points * result_step);
    TileGrid::Position positions[max_unit_tiles];
    grid_.positions(first, tiles, positions);
    load_tiles(positions, tiles, source, source_size_, sources_, pass_.rows.offset, pass_.columns.offset, points,
               source_step, padded);
    const float zeros[HWY_MAX_BYTES / 2] = {};
    TileTask<float> task{.rows = 1,
                         .row_step = 0,
                         .runs = 1,
                         .run_step = 0,
                         .run_length = sources_,
                         .pixel_step = padded,
                         .result_step = block,
                         .channels = block,
                         .weights = nullptr,
                         .bias = zeros,
                         .rectify = false,
                         .slope = 0};
    for (int64_t b = first_block; b < last_block; ++b) {
      if (results_ - b * block <= lanes) task.channels = lanes;
      for (int64_t point = 0; point < winograd_points; ++point) {
        task.weights = weights + ((b - first_block) * winograd_points + point) * sources_ * block;
        compute_row(task, points + point * source_step, products + point * result_step, tiles, lanes);
      }
      for (int64_t tile = 0; tile < tiles; ++tile)
        for (int64_t c = b * block; c < std::min((b + 1) * block, results_); c += lanes)
          store_tile(products + tile * block + c % block, result_step, positions[tile], c, result);
    }
  }

  /// A^T M A, bias and activation for a vector of channels of one tile; what overhangs the image is dropped.
  void store_tile(const float* products, int64_t point_step, const TileGrid::Position& at, int64_t channel,
                  float* result) const {
    const FloatTag tag;
    FloatVec column[6], half[24], row[4];
    for (int x = 0; x < 6; ++x) {
      for (int y = 0; y < 6; ++y) column[y] = hn::LoadU(tag, products + (y * 6 + x) * point_step);
      transform_result(column, 1, half + x, 6);
    }
    const FloatVec bias = hn::LoadU(tag, bias_.data() + channel);
    const FloatVec zero = hn::Zero(tag), slope = hn::Set(tag, epilogue_.slope);
    const int64_t rows = std::min(winograd_tile, grid_.height - at.y),
                  columns = std::min(winograd_tile, grid_.width - at.x);
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(tag)), channels = std::min(lanes, results_ - channel);
    float* target = result + ((at.image * grid_.height + at.y) * grid_.width + at.x) * results_ + channel;
    for (int64_t y = 0; y < rows; ++y, target += grid_.width * results_) {
      transform_result(half + 6 * y, 1, row, 1);
      for (int64_t x = 0; x < columns; ++x) {
        FloatVec value = hn::Add(row[x], bias);
        if (epilogue_.rectify) value = hn::IfThenElse(hn::Lt(value, zero), hn::Mul(value, slope), value);
        if (channels == lanes)
          hn::StoreU(value, tag, target + x * results_);
        else
          hn::BlendedStore(value, first_lanes(tag, channels), tag, target + x * results_);
      }
    }
  }

  ConvGeometry geometry_;
  bool forward_;
  const float* kernel_;
  ConvPass pass_;
  Size2D source_size_;
  int64_t sources_, results_, blocks_;
  TileGrid grid_;
  Epilogue<float> epilogue_;
  Buffer<float> bias_;
};

void winograd_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                          float* output, WeightStore* store) {
  WinogradConvolution(g, true, kernel, e).run(input, output, store);
}
void winograd_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  WinogradConvolution(g, false, kernel, e).run(output, input, store);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_forward_f32);
HWY_EXPORT(winograd_backward_f32);

bool winograd_fits(const ConvGeometry& g) {
  return g.kernel == Size2D(3) && g.stride == Size2D(1) && g.dilation == Size2D(1) && g.groups == 1;
}

void winograd_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                      float* output, WeightStore* store) {
  HWY_DYNAMIC_DISPATCH(winograd_forward_f32)(g, input, kernel, e, output, store);
}
void winograd_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                             float* input, WeightStore* store) {
  HWY_DYNAMIC_DISPATCH(winograd_backward_f32)(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
