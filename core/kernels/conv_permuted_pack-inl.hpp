// Included once per SIMD target: what permuted convolution multiplies sources by.
#if defined(TESSERA_CONV_PERMUTED_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_PERMUTED_PACK_INL
#undef TESSERA_CONV_PERMUTED_PACK_INL
#else
#define TESSERA_CONV_PERMUTED_PACK_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <atomic>
#include <tessera/core/kernels/conv_lanes.hpp>
#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <utility>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// The weights, biases and places of sources of a row's lanes, for all phases of them.
class PermutedWeights {
 public:
  /// A pass for each of the pixels after which a row's taps come again; `taps_at_once` of their tap rows are packed
  /// side by side.
  PermutedWeights(const ConvReading& reading, const RowLanes& lanes, std::vector<ConvPass> passes, int64_t taps_at_once,
                  const float* kernel, const float* bias, WeightStore* store)
      : reading_(reading),
        lanes_(lanes),
        passes_(std::move(passes)),
        taps_at_once_(taps_at_once),
        kernel_(kernel),
        step_(lanes.phases * lanes.lanes),
        bias_(step_),
        places_(static_cast<std::size_t>(step_)),
        channels_(static_cast<std::size_t>(step_)) {
    for (const ConvPass& pass : passes_) columns_ = std::max(columns_, pass.columns.taps);
    count_ = passes_.front().rows.taps * columns_ * lanes_.group_sources * step_;
    lanes_.lay_out(places_.data(), channels_.data());
    for (int64_t phase = 0; phase < lanes_.phases; ++phase) sources_.push_back(lanes_.vector_source(phase));
    const int64_t pixel = lanes_.pixel_results();
    for (std::size_t lane = 0; lane < channels_.size(); ++lane)
      bias_.data()[lane] = bias ? bias[channels_[lane] % pixel] : 0.0f;
    if (store)
      kept_ = kept_weights<float>(store, weight_key(plan, reading.forward, reading.geometry.groups, passes_), count_,
                                  [&](float* to) { pack(to); });
  }

  /// From one packed number of a lane to the next.
  int64_t step() const { return step_; }
  const float* bias(int64_t phase) const { return bias_.data() + phase * lanes_.lanes; }
  const std::int32_t* places(int64_t phase) const { return places_.data() + phase * lanes_.lanes; }
  /// Where in a period's sources the vector begins that those are places in.
  int64_t source(int64_t phase) const { return sources_[static_cast<std::size_t>(phase)]; }

  /// [tap column][source channel of a group][tap row][phase][lane], tap rows first where they are packed one by one.
  /// Each thread packs it for itself where it is not kept: phases multiply the kernel's numbers, and to fetch them from
  /// the cache of another core would take longer.
  const float* data() const {
    if (kept_) return kept_->data();
    thread_local std::uint64_t packed = 0;  // the convolution whose weights they are
    float* const mine = scratch<float>(2, count_);
    if (std::exchange(packed, number_) != number_) pack(mine);
    return mine;
  }

 private:
  static constexpr int plan = 8;

  void pack(float* to) const {
    const hn::ScalableTag<float> d;
    const int64_t results = lanes_.results, entries = count_ / step_, step = results + lanes_.lanes;
    // All of them first: numbers that were just stored can't be loaded in other pieces without a stall.
    float* const numbers = scratch<float>(1, entries * step);
    float* entry = numbers;
    for (int64_t first = 0; first < passes_.front().rows.taps; first += taps_at_once_)
      for (int64_t column = 0; column < columns_; ++column)
        for (int64_t source = 0; source < lanes_.group_sources; ++source)
          for (int64_t row = first; row < first + taps_at_once_; ++row, entry += step)
            weigh(row, column, source, entry);
    for (entry = numbers; entry < numbers + entries * step; entry += step) {
      if (results <= lanes_.lanes) {
        const auto all = hn::LoadU(d, entry);
        for (int64_t lane = 0; lane < step_; lane += lanes_.lanes, to += lanes_.lanes)
          hn::StoreU(hn::TableLookupLanes(all, hn::SetTableIndices(d, channels_.data() + lane)), d, to);
        continue;
      }
      copy_pixel(entry, lanes_.lanes, entry + results);
      for (int64_t lane = 0; lane < step_; lane += lanes_.lanes, to += lanes_.lanes)
        hn::StoreU(hn::LoadU(d, entry + channels_[static_cast<std::size_t>(lane)]), d, to);
    }
  }

  /// The kernel's numbers for all results of all pixels; zero where a pixel has fewer taps than others.
  void weigh(int64_t row, int64_t column, int64_t source, float* to) const {
    for (const ConvPass& pass : passes_) {
      if (column < pass.columns.taps) {
        reading_.weights(kernel_, pass, row, column, source, to);
      } else {
        std::fill_n(to, lanes_.pixel_results(), 0.0f);
      }
      to += lanes_.pixel_results();
    }
  }

  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  ConvReading reading_;
  RowLanes lanes_;
  std::vector<ConvPass> passes_;
  int64_t taps_at_once_;
  const float* kernel_;
  int64_t step_;         ///< lanes of all phases
  int64_t columns_ = 0;  ///< taps
  int64_t count_ = 0;
  Buffer<float> bias_;
  std::vector<std::int32_t> places_, channels_;  ///< of every lane
  std::vector<int64_t> sources_;                 ///< of every phase
  std::shared_ptr<Buffer<float>> kept_;
  std::uint64_t number_ = next_number();
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
