#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "overlap.hpp"

namespace conv_transpose {

/// What one axis of a layer may be: a kernel, a stride and the crop at both ends (a negative end appends).
struct Fit {
  std::int64_t kernel = 0, stride = 0, begin = 0, end = 0;
  int rank = 0;       ///< of the simplest padding that says so: same, valid, a number, with output_padding, a side each
  bool even = false;  ///< the same overlap everywhere, and no pixel that no tile reaches
  auto operator<=>(const Fit&) const = default;
};

/// Every choice within the bounds: strides up to 8, kernels up to twice the stride plus 5, crops of 0 to span - 1 at
/// each end, output_padding below the larger of stride and dilation rate.
class Search {
 public:
  static constexpr std::int64_t most_stride = 8;
  static constexpr std::int64_t most_kernel(std::int64_t stride) { return 2 * stride + 5; }

  explicit Search(std::int64_t dilation) : dilation_(dilation) {
    for (std::int64_t stride = 1; stride <= most_stride; ++stride)
      for (std::int64_t kernel = 1; kernel <= most_kernel(stride); ++kernel)
        even_[{stride, kernel}] = even_overlap(kernel, stride, dilation);
  }

  /// Calls visit(fit, output) for every choice at an axis of `input` pixels.
  template <class Visit>
  void each(std::int64_t input, Visit&& visit) const {
    each_tile(input, [&](const Tile& tile) {
      for (std::int64_t begin = 0; begin < tile.span; ++begin)
        for (std::int64_t end = -tile.most_appended; end < tile.span; ++end)
          if (tile.natural - begin - end >= 1) visit(fit(tile, begin, end), tile.natural - begin - end);
    });
  }

  /// Every choice that takes `input` pixels to `output`.
  std::vector<Fit> to(std::int64_t input, std::int64_t output) const {
    std::vector<Fit> fits;
    each_tile(input, [&](const Tile& tile) {
      for (std::int64_t begin = 0; begin < tile.span; ++begin) {
        const std::int64_t end = tile.natural - begin - output;
        if (end >= -tile.most_appended && end < tile.span) fits.push_back(fit(tile, begin, end));
      }
    });
    return fits;
  }

 private:
  using Ends = std::pair<std::int64_t, std::int64_t>;
  struct Tile {
    std::int64_t kernel, stride, span, natural, most_appended;
    Ends same, valid;
    bool even;
  };

  template <class Visit>
  void each_tile(std::int64_t input, Visit&& visit) const {
    for (const auto& [sizes, even] : even_) {
      const auto [stride, kernel] = sizes;
      const auto geometry = [&, s = stride, k = kernel](Padding padding, std::optional<std::int64_t> output_padding) {
        return geometry_of({input, k, s, dilation_, padding, output_padding});
      };
      const auto ends = [](const ConvGeometry& g) { return Ends{g.pad.top, g.pad.bottom}; };
      const ConvGeometry natural = geometry(tessera::valid, 0);
      visit(Tile{kernel, stride, natural.span().height, natural.input.height, std::max(stride, dilation_) - 1,
                 ends(geometry(tessera::same, std::nullopt)), ends(geometry(tessera::valid, std::nullopt)), even});
    }
  }

  static Fit fit(const Tile& tile, std::int64_t begin, std::int64_t end) {
    const Ends ends{begin, end};
    const std::int64_t more = begin - end;
    const int rank = ends == tile.same                        ? 0
                     : ends == tile.valid                     ? 1
                     : more == 0                              ? 2
                     : more > 0 && more <= tile.most_appended ? 3
                                                              : 4;
    return {tile.kernel, tile.stride, begin, end, rank, tile.even && end >= 0};
  }

  std::int64_t dilation_;
  std::map<std::pair<std::int64_t, std::int64_t>, bool> even_;
};

/// The question with these choices for its axes, in every way that padding and output_padding can say it, simplest
/// first. Axes with one choice share one output_padding.
std::vector<Options> spellings(const Options& question, const Fit& height, const Fit& width);

}  // namespace conv_transpose
