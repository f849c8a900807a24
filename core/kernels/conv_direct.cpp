// Direct convolution: forward, and backward to the input by phases, as dense passes of one register-tile kernel.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_direct.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Which way the kernel is read: forward (input to output) or backward (output to input).
enum class Direction { forward, backward };

/// A convolution in one direction, as the passes see it.
template <class T>
class DirectConvolution {
 public:
  DirectConvolution(const ConvGeometry& geometry, Direction direction, const T* kernel, const Epilogue<T>& epilogue)
      : geometry_(geometry),
        forward_(direction == Direction::forward),
        source_size_(forward_ ? geometry.input : geometry.output),
        result_size_(forward_ ? geometry.output : geometry.input),
        sources_((forward_ ? geometry.in_channels : geometry.out_channels) / geometry.groups),
        results_((forward_ ? geometry.out_channels : geometry.in_channels) / geometry.groups),
        blocks_(divide_up(results_, block_width<T>())),
        passes_(forward_ ? std::vector<ConvPass>{forward_pass(geometry)} : backward_passes(geometry)),
        epilogue_(epilogue),
        bias_(geometry.groups * blocks_ * block_width<T>()),
        weights_(std::max<int64_t>(place_weights(), 1)) {
    pack_bias();
    for (std::size_t pass = 0; pass < passes_.size(); ++pass) pack_weights(pass, kernel);
  }

  void run(const T* source, T* result) {
    // Chunks depend on the geometry alone; blocks of channels are shared out too where there are few bands.
    std::vector<Chunk> chunks;
    for (std::size_t pass = 0; pass < passes_.size(); ++pass) {
      const int64_t rows = band_rows(passes_[pass], sources_, sizeof(T));
      const int64_t bands = divide_up(passes_[pass].rows.count, rows);
      const int64_t units = std::max<int64_t>(geometry_.batch * geometry_.groups * bands, 1);
      const int64_t parts = std::clamp<int64_t>(divide_up(8, units), 1, blocks_);
      for (int64_t image = 0; image < geometry_.batch; ++image)
        for (int64_t band = 0; band < bands; ++band)
          for (int64_t group = 0; group < geometry_.groups; ++group)
            for (int64_t part = 0; part < parts; ++part)
              chunks.push_back({pass, image, group, band * rows, std::min((band + 1) * rows, passes_[pass].rows.count),
                                blocks_ * part / parts, blocks_ * (part + 1) / parts});
    }
    parallel_for(static_cast<int64_t>(chunks.size()),
                 [&](int64_t i) { compute(chunks[static_cast<std::size_t>(i)], source, result); });
  }

 private:
  struct Chunk {
    std::size_t pass;
    int64_t image, group, first_row, last_row, first_block, last_block;
  };

  int64_t packed_run(const ConvPass& pass) const { return pass.rows.taps * pass.columns.taps * sources_; }

  /// Sets where each pass' weights begin and returns how many there are in all.
  int64_t place_weights() {
    int64_t total = 0;
    for (const ConvPass& pass : passes_) {
      weight_begin_.push_back(total);
      total += geometry_.groups * blocks_ * packed_run(pass) * block_width<T>();
    }
    return total;
  }

  void pack_bias() {
    const int64_t width = blocks_ * block_width<T>();
    for (int64_t group = 0; group < geometry_.groups; ++group) {
      T* target = bias_.data() + group * width;
      std::fill(target, target + width, T{0});
      if (epilogue_.bias) std::copy(epilogue_.bias + group * results_, epilogue_.bias + (group + 1) * results_, target);
    }
  }

  /// [group][block][tap row][tap column][source channel][block of result channels], zeros beyond the last channel.
  void pack_weights(std::size_t pass_index, const T* kernel) {
    const ConvPass& pass = passes_[pass_index];
    const int64_t block = block_width<T>(), length = packed_run(pass);
    const int64_t per_tap = geometry_.in_channels / geometry_.groups * geometry_.out_channels;
    const int64_t filters = geometry_.out_channels / geometry_.groups;
    parallel_for(geometry_.groups * blocks_, [&, this](int64_t unit) {
      const int64_t group = unit / blocks_, first = unit % blocks_ * block;
      const int64_t count = std::min(block, results_ - first);
      T* target = weights_.data() + weight_begin_[pass_index] + unit * length * block;
      for (int64_t row = 0; row < pass.rows.taps; ++row)
        for (int64_t column = 0; column < pass.columns.taps; ++column) {
          const int64_t tap = (pass.rows.first_tap + row * pass.rows.tap_step) * geometry_.kernel.width +
                              pass.columns.first_tap + column * pass.columns.tap_step;
          const T* weights = kernel + tap * per_tap + group * filters;
          for (int64_t source = 0; source < sources_; ++source, target += block) {
            if (forward_) {
              const T* from = weights + source * geometry_.out_channels + first;
              std::copy(from, from + count, target);
            } else {
              const T* from = weights + first * geometry_.out_channels + source;
              for (int64_t i = 0; i < count; ++i) target[i] = from[i * geometry_.out_channels];
            }
            std::fill(target + count, target + block, T{0});
          }
        }
    });
  }

  void compute(const Chunk& chunk, const T* source, T* result) const {
    const ConvPass& pass = passes_[chunk.pass];
    const auto& [rows, columns] = pass;
    const int64_t all_sources = sources_ * geometry_.groups, all_results = results_ * geometry_.groups;
    const SourceImage<T> image{
        source + chunk.image * source_size_.height * source_size_.width * all_sources + chunk.group * sources_,
        source_size_.height, source_size_.width, sources_, all_sources};
    const int64_t count = chunk.last_row - chunk.first_row;
    const Band<T> band = load_band(image, rows.first_source(chunk.first_row), rows.source_span(count), columns.offset,
                                   columns.source_span(columns.count));
    const int64_t block = block_width<T>();
    const bool joined = columns.dilation == 1;
    TileTask<T> task{.rows = rows.taps,
                     .row_step = rows.dilation * band.row_stride,
                     .runs = joined ? 1 : columns.taps,
                     .run_step = columns.dilation * sources_,
                     .run_length = joined ? columns.taps * sources_ : sources_,
                     .pixel_step = columns.stride * sources_,
                     .result_step = columns.step * all_results,
                     .channels = 0,
                     .weights = nullptr,
                     .bias = nullptr,
                     .rectify = epilogue_.rectify,
                     .slope = epilogue_.slope};
    T* image_result = result + chunk.image * result_size_.height * result_size_.width * all_results;
    for (int64_t b = chunk.first_block; b < chunk.last_block; ++b) {
      const int64_t unit = chunk.group * blocks_ + b, first = b * block;
      task.channels = std::min(block, results_ - first);
      task.weights = weights_.data() + weight_begin_[chunk.pass] + unit * packed_run(pass) * block;
      task.bias = bias_.data() + unit * block;
      for (int64_t y = 0; y < count; ++y) {
        const int64_t row = rows.start + (chunk.first_row + y) * rows.step;
        compute_row(
            task, band.data + y * rows.stride * band.row_stride,
            image_result + (row * result_size_.width + columns.start) * all_results + chunk.group * results_ + first,
            columns.count, block / 2);
      }
    }
  }

  ConvGeometry geometry_;
  bool forward_;
  Size2D source_size_, result_size_;
  int64_t sources_, results_;  ///< channels of one group
  int64_t blocks_;
  std::vector<ConvPass> passes_;
  std::vector<int64_t> weight_begin_;
  Epilogue<T> epilogue_;
  Buffer<T> bias_, weights_;
};

void forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                 float* output) {
  DirectConvolution<float>(g, Direction::forward, kernel, e).run(input, output);
}
void forward_f64(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                 double* output) {
  DirectConvolution<double>(g, Direction::forward, kernel, e).run(input, output);
}
void backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                  float* input) {
  DirectConvolution<float>(g, Direction::backward, kernel, e).run(output, input);
}
void backward_f64(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                  double* input) {
  DirectConvolution<double>(g, Direction::backward, kernel, e).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(forward_f32);
HWY_EXPORT(forward_f64);
HWY_EXPORT(backward_f32);
HWY_EXPORT(backward_f64);

template <>
void conv_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                  float* output) {
  HWY_DYNAMIC_DISPATCH(forward_f32)(g, input, kernel, e, output);
}
template <>
void conv_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                  double* output) {
  HWY_DYNAMIC_DISPATCH(forward_f64)(g, input, kernel, e, output);
}
template <>
void conv_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input) {
  HWY_DYNAMIC_DISPATCH(backward_f32)(g, output, kernel, e, input);
}
template <>
void conv_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                         double* input) {
  HWY_DYNAMIC_DISPATCH(backward_f64)(g, output, kernel, e, input);
}

}  // namespace tessera::kernels
#endif
