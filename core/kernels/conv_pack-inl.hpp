// Included once per SIMD target: the layout in which every convolution kernel reads its weights.
#if defined(TESSERA_CONV_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PACK_INL
#undef TESSERA_CONV_PACK_INL
#else
#define TESSERA_CONV_PACK_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// packed [group][block][tap row][tap column][source channel][block of result channels], zeros beyond the last channel.
/// Read forward the sources are the convolution's input channels; read backward they are its output channels.
template <class T>
void pack_weights(const ConvGeometry& g, bool forward, const ConvPass& pass, const T* kernel, T* packed) {
  const int64_t in_channels = g.in_channels / g.groups, filters = g.out_channels / g.groups;
  const int64_t sources = forward ? in_channels : filters, results = forward ? filters : in_channels;
  const int64_t block = block_width<T>(), blocks = divide_up(results, block);
  const int64_t length = pass.rows.taps * pass.columns.taps * sources;
  parallel_for(g.groups * blocks, [&](int64_t unit) {
    const int64_t group = unit / blocks, first = unit % blocks * block, count = std::min(block, results - first);
    T* target = packed + unit * length * block;
    for (int64_t row = 0; row < pass.rows.taps; ++row)
      for (int64_t column = 0; column < pass.columns.taps; ++column) {
        const int64_t tap = (pass.rows.first_tap + row * pass.rows.tap_step) * g.kernel.width + pass.columns.first_tap +
                            column * pass.columns.tap_step;
        const T* weights = kernel + tap * in_channels * g.out_channels + group * filters;
        for (int64_t source = 0; source < sources; ++source, target += block) {
          if (forward) {
            const T* from = weights + source * g.out_channels + first;
            std::copy(from, from + count, target);
          } else {
            const T* from = weights + first * g.out_channels + source;
            for (int64_t i = 0; i < count; ++i) target[i] = from[i * g.out_channels];
          }
          std::fill(target + count, target + block, T{0});
        }
      }
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
