#include "search.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>

namespace conv_transpose {
namespace {

/// Away from 1, where 'same' with output_padding 0 can leave nothing; crops do not depend on the input.
constexpr std::int64_t any_input = 64;

Given given_axis(const Options& question, std::int64_t Size2D::*axis, const Axis& values) {
  const auto& [kernel_size, strides, padding, output_padding] = question.given;
  Given given;
  given.dilation = question.layer.dilation_rate.*axis;
  if (kernel_size) given.kernel = values.kernel;
  if (strides) given.stride = values.stride;
  if (output_padding) given.output_padding = values.output_padding;
  if (padding) {
    given.padding = values.padding;
    given.padding->sides.left = given.padding->sides.right = 0;
  }
  return given;
}

bool simpler(const Fit& a, const Fit& b) {
  const auto key = [](const Fit& fit) {
    return std::tuple(!fit.even, fit.rank, std::abs(fit.begin - fit.end), fit.begin);
  };
  return key(a) < key(b);
}

}  // namespace

Given given_height(const Options& question) { return given_axis(question, &Size2D::height, height_of(question)); }

Given given_width(const Options& question) { return given_axis(question, &Size2D::width, width_of(question)); }

Search::Search(const Given& given) : given_(given) {
  const std::int64_t first = given.stride.value_or(1), last = given.stride.value_or(most_stride);
  for (std::int64_t stride = first; stride <= last; ++stride) {
    const std::int64_t least = given.kernel.value_or(1), most = given.kernel.value_or(2 * stride + 5);
    for (std::int64_t kernel = least; kernel <= most; ++kernel) tiles_[{stride, kernel}] = make_tile(kernel, stride);
  }
}

Search::Tile Search::make_tile(std::int64_t kernel, std::int64_t stride) const {
  const auto ends = [&](const Padding& padding, std::optional<std::int64_t> output_padding) {
    const Sides pad = geometry_of({any_input, kernel, stride, given_.dilation, padding, output_padding}).pad;
    return Ends{pad.top, pad.bottom};
  };
  Tile tile{.kernel = kernel,
            .stride = stride,
            .span = (kernel - 1) * given_.dilation + 1,
            .limit = std::max(stride, given_.dilation),
            .same = ends(tessera::same, std::nullopt),
            .valid = ends(tessera::valid, std::nullopt),
            .same_more = {},
            .even = even_overlap(kernel, stride, given_.dilation)};
  for (std::int64_t op = 0; op < tile.limit; ++op) tile.same_more.push_back(ends(tessera::same, op));
  return tile;
}

unsigned Search::wordings(const Tile& tile, std::int64_t begin, std::int64_t end) const {
  const Ends ends{begin, end};
  const auto& [dilation, kernel, stride, op, padding] = given_;
  const auto allows = [&, &wanted = padding](Padding::Kind kind) { return !wanted || wanted->kind == kind; };
  const auto appends = [&, &wanted = op](std::int64_t more) {
    return more >= 0 && more < tile.limit && (!wanted || *wanted == more);
  };
  unsigned found = 0;
  if (allows(Padding::Kind::same)) {
    if (!op && ends == tile.same) found |= same_alone;
    for (std::int64_t more = 0; more < tile.limit; ++more)
      if (appends(more) && ends == tile.same_more[static_cast<std::size_t>(more)]) found |= same_more;
  }
  if (allows(Padding::Kind::valid)) {
    if (!op && ends == tile.valid) found |= valid_alone;
    if (begin == 0 && appends(-end)) found |= valid_more;
  }
  if (padding && padding->kind == Padding::Kind::sides) {
    if (begin == padding->sides.top && appends(padding->sides.bottom - end)) found |= sides;
  } else if (!padding && begin < tile.span) {
    // Any number below the span at the end, less an output_padding: the given one, or the least that will do.
    const std::int64_t more = op.value_or(std::max<std::int64_t>(-end, 0));
    if (appends(more) && end + more >= 0 && end + more < tile.span) found |= sides;
  }
  return found;
}

Fit Search::fit(const Tile& tile, std::int64_t begin, std::int64_t end) const {
  const Ends ends{begin, end};
  const std::int64_t more = begin - end;
  const int rank = ends == tile.same               ? 0
                   : ends == tile.valid            ? 1
                   : more == 0                     ? 2
                   : more > 0 && more < tile.limit ? 3
                                                   : 4;
  return {tile.kernel, tile.stride, begin, end, rank, tile.even && end >= 0, wordings(tile, begin, end)};
}

std::vector<Fit> Search::fits(const Tile& tile, std::int64_t input, std::int64_t output) const {
  std::vector<Fit> found;
  const auto consider = [&](std::int64_t begin) {
    const Fit candidate = fit(tile, begin, tile.natural(input) - begin - output);
    if (candidate.wordings != 0) found.push_back(candidate);
  };
  const bool numbered = given_.padding && given_.padding->kind == Padding::Kind::sides;
  if (numbered)
    consider(given_.padding->sides.top);
  else
    for (std::int64_t begin = 0; begin < tile.span; ++begin) consider(begin);
  return found;
}

std::vector<unsigned> Search::wordings() const {
  if (!given_.padding && !given_.output_padding) return {sides};
  if (!given_.padding) return {same_more, sides};
  if (given_.padding->kind == Padding::Kind::same) return {same_alone, same_more};
  if (given_.padding->kind == Padding::Kind::valid) return {valid_alone, valid_more};
  return {sides};
}

unsigned Search::group(const Fit& fit) const {
  return !given_.padding && !given_.output_padding ? unsigned{sides} : fit.wordings;
}

std::vector<Step> Search::steps(std::int64_t input, std::int64_t output) const {
  std::vector<Step> all;
  for (const auto& [sizes, tile] : tiles_) {
    std::map<unsigned, Step> by_wordings;
    for (const Fit& fit : fits(tile, input, output)) {
      const unsigned wordings = group(fit);
      Step& step = by_wordings.try_emplace(wordings, Step{input, output, tile.kernel, tile.stride, wordings, 0, fit})
                       .first->second;
      ++step.count;
      if (simpler(fit, step.best)) step.best = fit;
    }
    for (const auto& [wordings, step] : by_wordings) all.push_back(step);
  }
  return all;
}

std::vector<Fit> Search::crops(const Step& step) const {
  std::vector<Fit> found = fits(tiles_.at({step.stride, step.kernel}), step.input, step.output);
  std::erase_if(found, [&](const Fit& fit) { return group(fit) != step.wordings; });
  std::sort(found.begin(), found.end(), simpler);
  return found;
}

std::set<std::int64_t> Search::outputs(std::int64_t input, unsigned wanted) const {
  std::set<std::int64_t> sizes;
  for (const auto& [key, tile] : tiles_) {
    const auto add = [&, &tile = tile](Ends ends) {
      const std::int64_t size = tile.natural(input) - ends.first - ends.second;
      if (size >= 1 && (wordings(tile, ends.first, ends.second) & wanted) != 0) sizes.insert(size);
    };
    add(tile.same);
    add(tile.valid);
    for (const Ends& ends : tile.same_more) add(ends);
    for (std::int64_t more = 0; more < tile.limit; ++more) {
      add({0, -more});
      if (given_.padding) add({given_.padding->sides.top, given_.padding->sides.bottom - more});
    }
    // With numbers that are free, every crop in all from one end's appending to both ends' most.
    for (std::int64_t crop = 0; !given_.padding && crop < tile.span; ++crop) {
      add({crop, -given_.output_padding.value_or(tile.limit - 1)});
      add({tile.span - 1, crop - given_.output_padding.value_or(0)});
    }
    for (std::int64_t more = 0; !given_.padding && !given_.output_padding && more < tile.limit; ++more)
      add({tile.span - 1, -more});
  }
  return sizes;
}

}  // namespace conv_transpose
