// Direct convolution: forward, and backward to the input by phases, as dense passes of one register-tile kernel.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_direct.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_bands-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Tiles whose vectors run over result channels.
template <class T>
struct ChannelTiles {
  static constexpr int plan = 0;

  static int64_t block() { return block_width<T>(); }
  static int64_t packed(const ConvPass& pass, const ConvReading& reading) {
    return pass.rows.taps * pass.columns.taps * reading.sources() * block();
  }
  static void pack(const ConvReading& reading, const ConvPass& pass, const T* kernel, int64_t group, int64_t block,
                   T* to) {
    pack_block(reading.geometry, reading.forward, pass, kernel, group, block, 0, reading.sources(), to);
  }
  static int64_t bias_size() { return block(); }
  static void pack_bias(const T* bias, int64_t results, T* to) { std::copy_n(bias, results, to); }
  static void row(const TileTask<T>& task, const T* source, T* result, int64_t count) {
    compute_row(task, source, result, count, lane_count<T>());
  }
};

template <class T>
using DirectConvolution = BandConvolution<T, ChannelTiles<T>>;

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
  TESSERA_DISPATCH(direct_forward_f32, are_narrow<float>(g.out_channels / g.groups))
  (g, input, kernel, e, output, store);
}
void direct_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                    double* output, WeightStore* store) {
  TESSERA_DISPATCH(direct_forward_f64, are_narrow<double>(g.out_channels / g.groups))
  (g, input, kernel, e, output, store);
}
void direct_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  TESSERA_DISPATCH(direct_backward_f32, are_narrow<float>(g.in_channels / g.groups))
  (g, output, kernel, e, input, store);
}
void direct_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                           double* input, WeightStore* store) {
  TESSERA_DISPATCH(direct_backward_f64, are_narrow<double>(g.in_channels / g.groups))
  (g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
