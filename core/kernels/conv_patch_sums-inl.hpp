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
  PatchSums(const ConvGeometry& g, const FlatChannels& channels)
      : batch_(g.batch),
        joined_(join_passes({forward_pass(g)})),
        patch_(flat_patch<T>(joined_, channels, g.batch)),
        bands_(divide_up(joined_.rows, patch_.height)),
        parts_(divide_up(joined_.columns, patch_.width)),
        // By shape alone, so that no thread count changes a bit.
        chunks_(std::clamp<int64_t>(batch_ * bands_ * parts_, 1, 8)) {}

  const JoinedPasses& joined() const { return joined_; }
  const ConvPass& pass() const { return joined_.passes.front(); }
  int64_t chunks() const { return chunks_; }

  /// Gives every chunk `size` zeros of `sums` and calls add(image, FlatPatch, them) for each of its patches.
  template <class Add>
  void run(T* sums, int64_t size, Add&& add) const {
    const int64_t patches = batch_ * bands_ * parts_;
    parallel_for(chunks_, [&](int64_t chunk) {
      T* const mine = sums + chunk * size;
      std::fill(mine, mine + size, T{0});
      for (int64_t i = patches * chunk / chunks_; i < patches * (chunk + 1) / chunks_; ++i) {
        const int64_t row = i / parts_ % bands_ * patch_.height, column = i % parts_ * patch_.width;
        add(i / parts_ / bands_,
            FlatPatch{row, column, std::min(patch_.height, joined_.rows - row),
                      std::min(patch_.width, joined_.columns - column)},
            mine);
      }
    });
  }

 private:
  int64_t batch_;
  JoinedPasses joined_;
  Size2D patch_;           ///< the largest
  int64_t bands_, parts_;  ///< patches of an image, down and across
  int64_t chunks_;
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
