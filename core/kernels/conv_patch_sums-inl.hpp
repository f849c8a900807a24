// Included once per SIMD target: kernel gradients as sums over patches of a batch.
#if defined(TESSERA_CONV_PATCH_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PATCH_SUMS_INL
#undef TESSERA_CONV_PATCH_SUMS_INL
#else
#define TESSERA_CONV_PATCH_SUMS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_flat-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Cuts the results of a batch into patches and shares them out in chunks, each with sums of its own.
template <class T>
class PatchSums {
 public:
  PatchSums(const ConvGeometry& g, const FlatChannels& channels) : PatchSums(g.batch, forward_pass(g), channels) {}
  PatchSums(int64_t batch, const ConvPass& pass, const FlatChannels& channels)
      : batch_(batch),
        joined_(join_passes({pass})),
        patches_(joined_, channels, batch),
        // By shape alone, so that no thread count changes a bit.
        chunks_(std::clamp<int64_t>(batch_ * patches_.count(), 1, 8)) {}

  const JoinedPasses& joined() const { return joined_; }
  const ConvPass& pass() const { return joined_.passes.front(); }
  int64_t chunks() const { return chunks_; }

  /// Gives every chunk `size` zeros of `sums` and calls add(image, FlatPatch, them) for each of its patches.
  template <class Add>
  void run(T* sums, int64_t size, Add&& add) const {
    const int64_t an_image = patches_.count(), count = batch_ * an_image;
    parallel_for(chunks_, [&](int64_t chunk) {
      T* const mine = sums + chunk * size;
      std::fill(mine, mine + size, T{0});
      for (int64_t i = count * chunk / chunks_; i < count * (chunk + 1) / chunks_; ++i)
        add(i / an_image, patches_[i % an_image], mine);
    });
  }

 private:
  int64_t batch_;
  JoinedPasses joined_;
  FlatPatches<T> patches_;
  int64_t chunks_;
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
