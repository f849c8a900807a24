#pragma once

#include <algorithm>
#include <tessera/core/kernels/conv_strides.hpp>
#include <vector>

namespace tessera::kernels {

/// A row of results in vectors that run over pixels and channels alike. Each lane takes its sources from a vector of
/// the row of sources, which lie there as far apart for every tap and every source channel of a group.
struct RowLanes {
  std::int64_t lanes;  ///< of a vector
  std::int64_t used;   ///< results of a vector, the first of its lanes; 0 where no vector of sources holds all it takes
  std::int64_t phases;   ///< vectors after which the results' channels and taps come again
  std::int64_t results;  ///< of a pixel, or of a stride's pixels where what goes back through it is computed
  std::int64_t group_results, group_sources;
  std::int64_t block;       ///< source channels of a pixel that lie side by side; others are in planes of their own
  std::int64_t pixel_step;  ///< sources from those of one such result pixel, or of a stride's, to those of the next
  PixelStarts starts;       ///< of each of a stride's pixels; of one alone where there is none to go back through

  /// Of one pixel.
  std::int64_t pixel_results() const { return results / starts.pixels; }
  /// Where the first source of a row's result stands.
  std::int64_t source(std::int64_t result) const {
    std::int64_t channel = result % results, at = result / results * pixel_step;
    if (starts.pixels > 1) {
      at += starts.source[static_cast<std::size_t>(channel / pixel_results())] * block;
      channel %= pixel_results();
    }
    return at + channel / group_results * group_sources;
  }
  /// Where the vector of sources begins that a phase's vector of results takes its lanes from.
  std::int64_t vector_source(std::int64_t phase) const;
  /// Sources from a vector's to those of the same channels' next one.
  std::int64_t period_step() const { return phases * used / results * pixel_step; }
  /// For the lanes of each phase, their places in a vector of sources and the channels of their results.
  void lay_out(std::int32_t* places, std::int32_t* channels) const;
  /// How much of their vectors a row of so many pixels fills.
  double filled(std::int64_t pixels) const;
};

/// As many results to a vector as it can take sources for, so many side by side for each from the same vector: all its
/// lanes, or else whole pixels or groups. All channels of a pixel lie side by side.
RowLanes row_lanes(const ConvReading& reading, std::int64_t lanes, std::int64_t side_by_side);

/// The same for permuted convolution: of a single tap, all sources of a group come from the same vector; of more,
/// pixels are split into blocks of channels where that fills vectors by more than it costs.
RowLanes permuted_lanes(const ConvReading& reading, std::int64_t lanes);

/// Which rows permuted convolution's tiles hold, so that a vector of sources counts for several of them.
struct TileRowSteps {
  std::int64_t between;  ///< from one row of results to the next: their sources are whole dilations apart
  std::int64_t stride;   ///< those dilations
  std::int64_t taps;     ///< tap rows at once: all, or one where there are no tiles for them

  explicit TileRowSteps(const TapAxis& rows);
  /// Rows of a tile of at most so many: a stride apart they read more rows of sources than would be unrolled.
  std::int64_t most(std::int64_t limit) const { return stride > 1 && taps > 1 ? std::min(limit, most_apart) : limit; }
  static constexpr std::int64_t most_apart = 7;
};

/// For every entry of a tile (a tap column and a source channel of a group, and a tap row where not so many are taken
/// at once), the elements from a result's place to its source. Strides are those of the rows and blocks of sources.
std::vector<std::int64_t> entry_offsets(const ConvPass& pass, const RowLanes& lanes, std::int64_t taps_at_once,
                                        std::int64_t row_stride, std::int64_t block_stride);

/// Whether AVX-512's vectors would hold no more results than AVX2's, which run faster.
template <class Lanes>
bool prefers_short_vectors(const Lanes& lanes_of) {
  const std::int64_t used = lanes_of(16).used;
  return used <= 8 && lanes_of(8).used >= used;
}

}  // namespace tessera::kernels
