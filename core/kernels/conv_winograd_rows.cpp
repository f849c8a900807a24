// Winograd for few source channels, as of a first layer: the sources of 16 tiles side by side are transformed at once,
// from planes, and each tile's products are made and turned into results in registers.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_winograd_rows.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/winograd_rows-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Products of one tile after another, with vectors over results.
class WinogradRows : public TileRows {
 public:
  static constexpr int plan = 6;

  WinogradRows(const ConvReading& reading, const Epilogue<float>& epilogue)
      : TileRows(reading, epilogue),
        streams_(passes_caches<float>(
            reading.geometry.batch * reading.result_size().height * reading.result_size().width, results_)),
        bias_(whole_vectors(results_)) {
    std::fill(bias_.data(), bias_.data() + whole_vectors(results_), 0.0f);
    if (epilogue.bias) std::copy_n(epilogue.bias, results_, bias_.data());
  }

  int64_t packed(const ConvPass&) const { return points * points * sources_ * whole_vectors(results_); }

  /// G g G^T as [vector of results][point][source][lane].
  void pack(const ConvPass&, const float* kernel, float* packed) const {
    const int64_t lanes = lane_count<float>();
    for (int64_t first = 0; first < results_; first += lanes, packed += points * points * sources_ * lanes)
      for (int64_t source = 0; source < sources_; ++source)
        pack_kernel(kernel, source, first, sources_ * lanes, packed + source * lanes);
  }

  void compute(int64_t, const RowTask<float>& row) const {
    const int64_t lanes = lane_count<float>();
    for (int64_t first = 0; first < row.count; first += lanes) {
      const float* const sources = transformed(row, first);
      for (int64_t channel = 0; channel < results_; channel += lanes)
        compute_tiles(std::make_integer_sequence<int, most_few_sources>(), sources, row, first,
                      std::min(first + lanes, row.count), channel);
    }
    if (streams_) hwy::FlushStream();
  }

 private:
  /// A vector of channels of the results of tiles `first` .. end - 1.
  template <int... S>
  void compute_tiles(std::integer_sequence<int, S...>, const float* sources, const RowTask<float>& row, int64_t first,
                     int64_t end, int64_t channel) const {
    const float* const weights = row.weights + channel * points * points * sources_;
    for (int64_t tile = first; tile < end; ++tile)
      ((sources_ == S + 1 ? compute_tile<S + 1>(sources + tile - first, weights, row, tile, channel) : void()), ...);
  }

  /// A vector of channels of one tile's results. sources [point][source], a vector apart; weights likewise.
  template <int S>
  HWY_NOINLINE void compute_tile(const float* HWY_RESTRICT sources, const float* HWY_RESTRICT weights,
                                 const RowTask<float>& row, int64_t tile, int64_t channel) const {
    const FloatTag tag;
    const int64_t lanes = lane_count<float>();
    FloatVec results[winograd_tile * winograd_tile];
    PointSet<points>().make_results(
        [&](int64_t y, int64_t x) HWY_ATTR {
          const int64_t point = y * points + x;
          const float* const of_point = sources + point * (S | 1) * lanes;
          const float* const w = weights + point * S * lanes;
          FloatVec sum = hn::Mul(hn::Set(tag, of_point[0]), hn::LoadU(tag, w));
          TESSERA_UNROLL for (int s = 1; s < S; ++s) sum =
              hn::MulAdd(hn::Set(tag, of_point[s * lanes]), hn::LoadU(tag, w + s * lanes), sum);
          return sum;
        },
        results);
    const FloatVec bias = hn::LoadU(tag, bias_.data() + channel), slope = hn::Set(tag, epilogue_.slope);
    TESSERA_UNROLL for (FloatVec& value : results) {
      value = hn::Add(value, bias);
      if (epilogue_.rectify) value = rectified(value, slope);
    }
    const Size2D size = reading_.result_size();
    const int64_t x = row.x + tile * winograd_tile, pixel = results_, image_row = size.width * pixel;
    float* const target = row.result + tile * row.step + channel;
    if (row.y + winograd_tile <= size.height && x + winograd_tile <= size.width && channel + lanes <= results_) {
      TESSERA_UNROLL for (int i = 0; i < winograd_tile * winograd_tile; ++i)
          store(streams_, results[i], tag, target + i / winograd_tile * image_row + i % winograd_tile * pixel);
      return;
    }
    for (int64_t i = 0; i < std::min(winograd_tile, size.height - row.y); ++i)
      for (int64_t j = 0; j < std::min(winograd_tile, size.width - x); ++j)
        store_first(results[i * winograd_tile + j], tag, results_ - channel, target + i * image_row + j * pixel);
  }

  bool streams_;  ///< whether results are stored past the caches
  Buffer<float> bias_;
};

void winograd_rows_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                               float* output, WeightStore* store) {
  RowConvolution<float, WinogradRows>({g, true}, kernel, e, store).run(input, output);
}
void winograd_rows_backward_f32(const ConvGeometry& g, const float* output, const float* kernel,
                                const Epilogue<float>& e, float* input, WeightStore* store) {
  RowConvolution<float, WinogradRows>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(winograd_rows_forward_f32);
HWY_EXPORT(winograd_rows_backward_f32);

void winograd_rows_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                           float* output, WeightStore* store) {
  TESSERA_DISPATCH(winograd_rows_forward_f32, is_narrow<float>(g.out_channels))(g, input, kernel, e, output, store);
}
void winograd_rows_backward_input(const ConvGeometry& g, const float* output, const float* kernel,
                                  const Epilogue<float>& e, float* input, WeightStore* store) {
  TESSERA_DISPATCH(winograd_rows_backward_f32, is_narrow<float>(g.in_channels))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
