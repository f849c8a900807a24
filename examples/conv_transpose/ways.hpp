#pragma once

#include <vector>

#include "search.hpp"

namespace conv_transpose {

/// One step along an axis, or two, one after the other.
using Way = std::vector<Step>;

/// All ways of `layers` steps from `input` to `output`.
std::vector<Way> ways(const Search& search, std::int64_t input, std::int64_t output, int layers);

/// One layer of a choice: a step for each axis. A listing goes through the crops that serve both axes alike, or through
/// those of one axis with the best of the other.
struct LayerChoice {
  enum class Listed : std::uint8_t { alike, heights, widths };
  Step height, width;
  Listed listed = Listed::alike;
  std::int64_t count() const { return listed == Listed::widths ? width.count : height.count; }
};

/// One layer, or two: kernels and strides for both axes, with every crop that gives the wanted size.
struct Choice {
  std::vector<LayerChoice> layers;
  std::int64_t work = 0;  ///< multiply-adds
  bool even() const;
  std::int64_t count() const;  ///< of crops
};

/// True where `a` is to be named before `b`: even overlap, then less work, then simpler wording.
bool better(const Choice& a, const Choice& b);

/// Both axes of an image, and what each may become.
class Plane {
 public:
  explicit Plane(const Options& question);

  /// The choices that treat both axes alike.
  std::vector<Choice> alike(int layers) const;
  /// The best that give each axis its own, at most `most`, with their best crops.
  std::vector<Choice> own(int layers, std::size_t most) const;
  /// Each way of one axis, beside the best of the other that goes with it.
  std::vector<Choice> each(LayerChoice::Listed axis, int layers) const;

  struct Count {
    std::int64_t heights = 0, widths = 0, together = 0;
  };
  /// How many ways there are, every crop counted, and how many layers, or pairs of layers, they make.
  Count count(int layers) const;

  /// The crops of a layer, simplest first.
  std::vector<std::pair<Fit, Fit>> crops(const LayerChoice& layer) const;

  /// The size nearest to the wish that one layer or two can give; nothing where what is given allows none.
  std::optional<Size2D> nearest() const;

  /// True where height and width are the same question.
  bool square() const { return square_; }

 private:
  using Ways = std::vector<Way>;
  const Ways& heights(int layers) const { return heights_[static_cast<std::size_t>(layers - 1)]; }
  const Ways& widths(int layers) const { return widths_[static_cast<std::size_t>(layers - 1)]; }
  Choice choice(const Way& height, const Way& width, LayerChoice::Listed listed) const;
  std::optional<Choice> shared(const Way& height, const Way& width) const;
  std::int64_t work(const Way& height, const Way& width) const;

  Options question_;
  Search rows_, columns_;
  bool square_;
  Ways heights_[2], widths_[2];  // of one layer and of two
};

}  // namespace conv_transpose
