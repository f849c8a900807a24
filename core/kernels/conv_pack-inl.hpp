// Included once per SIMD target: the layout in which every convolution kernel reads its weights.
#if defined(TESSERA_CONV_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PACK_INL
#undef TESSERA_CONV_PACK_INL
#else
#define TESSERA_CONV_PACK_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/kernels/conv_passes.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// packed [tap row][tap column][source channel][block of result channels], zeros beyond the last channel: one block of
/// one group, source channels first .. first + count - 1. Read forward the sources are the convolution's input
/// channels; read backward they are its output channels.
template <class T>
void pack_block(const ConvGeometry& g, bool forward, const ConvPass& pass, const T* kernel, int64_t group,
                int64_t block_index, int64_t first, int64_t count, T* packed) {
  const int64_t in_channels = g.in_channels / g.groups, filters = g.out_channels / g.groups;
  const int64_t block = block_width<T>(), result = block_index * block;
  const int64_t width = std::min(block, (forward ? filters : in_channels) - result);
  for (int64_t row = 0; row < pass.rows.taps; ++row)
    for (int64_t column = 0; column < pass.columns.taps; ++column) {
      const int64_t tap = pass.rows.tap(row) * g.kernel.width + pass.columns.tap(column);
      const T* weights = kernel + tap * in_channels * g.out_channels + group * filters;
      for (int64_t source = first; source < first + count; ++source, packed += block) {
        if (forward) {
          const T* from = weights + source * g.out_channels + result;
          std::copy(from, from + width, packed);
        } else {
          const T* from = weights + result * g.out_channels + source;
          for (int64_t i = 0; i < width; ++i) packed[i] = from[i * g.out_channels];
        }
        std::fill(packed + width, packed + block, T{0});
      }
    }
}

/// The weights that `make(target)` packs, `count` numbers, or those that an earlier call left in `store`.
template <class T, class Make>
std::shared_ptr<Buffer<T>> kept_weights(WeightStore* store, std::uint64_t key, int64_t count, Make&& make) {
  if (store)
    if (const auto found = store->find(key)) return std::static_pointer_cast<Buffer<T>>(found);
  auto weights = std::make_shared<Buffer<T>>(std::max<int64_t>(count, 1));
  make(weights->data());
  if (store) store->keep(key, weights);
  return weights;
}

/// A key for all that packed weights depend on besides the kernel's numbers: plan, direction, target, and which taps
/// meet which sources.
inline std::uint64_t weight_key(int plan, bool forward, int64_t groups, const std::vector<ConvPass>& passes) {
  std::uint64_t key = 0xCBF29CE484222325;
  const auto mix = [&key](int64_t number) { key = (key ^ static_cast<std::uint64_t>(number)) * 0x100000001B3; };
  mix(plan);
  mix(forward);
  mix(groups);
  mix(HWY_TARGET);
  for (const ConvPass& pass : passes)
    for (const TapAxis& axis : {pass.rows, pass.columns}) {
      mix(axis.taps);
      mix(axis.first_tap);
      mix(axis.tap_step);
      mix(axis.offset);
    }
  return key;
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
