#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "overlap.hpp"

namespace conv_transpose {

/// The wordings of padding and output_padding that can ask for a crop: one bit each. A layer has one for both axes.
enum Wording : unsigned { same_alone = 1, valid_alone = 2, same_more = 4, valid_more = 8, sides = 16 };

/// What one axis of a layer may be: a kernel, a stride and the crop at both ends (a negative end appends).
struct Fit {
  std::int64_t kernel = 0, stride = 0, begin = 0, end = 0;
  int rank = 0;           ///< of the simplest wording: same, valid, a number, with output_padding, a number a side
  bool even = false;      ///< the same overlap everywhere, and no pixel that no tile reaches
  unsigned wordings = 0;  ///< those that what is given allows
  auto operator<=>(const Fit&) const = default;
};

/// Everything with one kernel, stride and choice of wordings that takes `input` pixels of an axis to `output`.
struct Step {
  std::int64_t input = 0, output = 0, kernel = 0, stride = 0;
  unsigned wordings = 0;
  std::int64_t count = 0;  ///< crops that do it
  Fit best;
};

/// What the command line gives for one axis of the layers; the rest is searched.
struct Given {
  std::int64_t dilation = 1;
  std::optional<std::int64_t> kernel, stride, output_padding;
  std::optional<Padding> padding;  ///< top and bottom are this axis' sides
  bool operator==(const Given&) const = default;
};

/// What is given for the height and for the width of the layers of `question`.
Given given_height(const Options& question);
Given given_width(const Options& question);

/// Every choice on one axis within the bounds: strides up to 8, kernels up to twice the stride plus 5, crops of 0 to
/// span - 1 at each end, output_padding below the larger of stride and dilation rate. What is given is kept to, beyond
/// the bounds too.
class Search {
 public:
  static constexpr std::int64_t most_stride = 8;

  explicit Search(const Given& given);

  /// The steps from `input` to `output`.
  std::vector<Step> steps(std::int64_t input, std::int64_t output) const;
  /// The crops of a step, simplest first.
  std::vector<Fit> crops(const Step& step) const;
  /// The wordings, one of which every crop can do with.
  std::vector<unsigned> wordings() const;
  /// The sizes that `input` can become, with any of these wordings.
  std::set<std::int64_t> outputs(std::int64_t input, unsigned wordings) const;

 private:
  using Ends = std::pair<std::int64_t, std::int64_t>;
  struct Tile {
    std::int64_t kernel, stride, span;
    std::int64_t limit;           // output_padding stays below
    Ends same, valid;             // with no output_padding
    std::vector<Ends> same_more;  // with each
    bool even;
    std::int64_t natural(std::int64_t input) const { return (input - 1) * stride + span; }
  };

  Tile make_tile(std::int64_t kernel, std::int64_t stride) const;
  std::vector<Fit> fits(const Tile& tile, std::int64_t input, std::int64_t output) const;
  Fit fit(const Tile& tile, std::int64_t begin, std::int64_t end) const;
  unsigned group(const Fit& fit) const;
  unsigned wordings(const Tile& tile, std::int64_t begin, std::int64_t end) const;

  Given given_;
  std::map<std::pair<std::int64_t, std::int64_t>, Tile> tiles_;  // by stride and kernel
};

}  // namespace conv_transpose
