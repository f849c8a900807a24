// Direct convolution: forward, and backward to the input by phases, as dense passes of one register-tile kernel.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_direct.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

template <class T>
class DirectConvolution {
 public:
  DirectConvolution(const ConvReading& reading, const T* kernel, const Epilogue<T>& epilogue, WeightStore* store)
      : geometry_(reading.geometry),
        forward_(reading.forward),
        source_size_(reading.source_size()),
        result_size_(reading.result_size()),
        sources_(reading.sources()),
        results_(reading.results()),
        blocks_(divide_up(results_, block_width<T>())),
        passes_(reading.passes()),
        epilogue_(epilogue),
        streams_(passes_caches<T>(geometry_.batch * result_size_.height * result_size_.width, results_)),
        bias_(geometry_.groups * blocks_ * block_width<T>()) {
    pack_bias();
    const int64_t count = place_weights();
    weights_ = kept_weights<T>(store, weight_key(0, forward_, geometry_.groups, passes_), count, [&](T* target) {
      for (std::size_t pass = 0; pass < passes_.size(); ++pass)
        pack_weights(geometry_, forward_, passes_[pass], kernel, target + weight_begin_[pass]);
    });
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

  void compute(const Chunk& chunk, const T* source, T* result) const {
    const ConvPass& pass = passes_[chunk.pass];
    const auto& [rows, columns] = pass;
    const int64_t all_sources = sources_ * geometry_.groups, all_results = results_ * geometry_.groups;
    const SourceImage<T> image{
        source + chunk.image * source_size_.height * source_size_.width * all_sources + chunk.group * sources_,
        source_size_.height, source_size_.width, sources_, all_sources};
    const int64_t count = chunk.last_row - chunk.first_row;
    const Band<T> band = load_band(image, rows.first_source(chunk.first_row), rows.source_span(count), columns.offset,
                                   columns.source_span(columns.count), sources_);
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
                     .adds = false,
                     .streams = streams_,
                     .rectify = epilogue_.rectify,
                     .slope = epilogue_.slope};
    T* image_result = result + chunk.image * result_size_.height * result_size_.width * all_results;
    for (int64_t b = chunk.first_block; b < chunk.last_block; ++b) {
      const int64_t unit = chunk.group * blocks_ + b, first = b * block;
      task.channels = std::min(block, results_ - first);
      task.weights = weights_->data() + weight_begin_[chunk.pass] + unit * packed_run(pass) * block;
      task.bias = bias_.data() + unit * block;
      for (int64_t y = 0; y < count; ++y) {
        const int64_t row = rows.start + (chunk.first_row + y) * rows.step;
        compute_row(
            task, band.data + y * rows.stride * band.row_stride,
            image_result + (row * result_size_.width + columns.start) * all_results + chunk.group * results_ + first,
            columns.count, block / 2);
      }
    }
    if (streams_) hwy::FlushStream();
  }

  ConvGeometry geometry_;
  bool forward_;
  Size2D source_size_, result_size_;
  int64_t sources_, results_;  ///< channels of one group
  int64_t blocks_;
  std::vector<ConvPass> passes_;
  std::vector<int64_t> weight_begin_;
  Epilogue<T> epilogue_;
  bool streams_;  ///< whether results are stored past the caches
  Buffer<T> bias_;
  std::shared_ptr<Buffer<T>> weights_;
};

void direct_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                        float* output, WeightStore* store) {
  DirectConvolution<float>({g, true}, kernel, e, store).run(input, output);
}
void direct_forward_f64(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                        double* output, WeightStore* store) {
  DirectConvolution<double>({g, true}, kernel, e, store).run(input, output);
}
void direct_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input, WeightStore* store) {
  DirectConvolution<float>({g, false}, kernel, e, store).run(output, input);
}
void direct_backward_f64(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                         double* input, WeightStore* store) {
  DirectConvolution<double>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(direct_forward_f32);
HWY_EXPORT(direct_forward_f64);
HWY_EXPORT(direct_backward_f32);
HWY_EXPORT(direct_backward_f64);

void direct_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                    float* output, WeightStore* store) {
  TESSERA_DISPATCH(direct_forward_f32, is_narrow<float>(g.out_channels / g.groups))(g, input, kernel, e, output, store);
}
void direct_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                    double* output, WeightStore* store) {
  TESSERA_DISPATCH(direct_forward_f64, is_narrow<double>(g.out_channels / g.groups))
  (g, input, kernel, e, output, store);
}
void direct_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  TESSERA_DISPATCH(direct_backward_f32, is_narrow<float>(g.in_channels / g.groups))(g, output, kernel, e, input, store);
}
void direct_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                           double* input, WeightStore* store) {
  TESSERA_DISPATCH(direct_backward_f64, is_narrow<double>(g.in_channels / g.groups))
  (g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
