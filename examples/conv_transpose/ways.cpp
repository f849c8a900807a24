#include "ways.hpp"

#include <algorithm>
#include <cstdlib>
#include <queue>
#include <tuple>

namespace conv_transpose {
namespace {

using Listed = LayerChoice::Listed;

bool even(const Way& way) {
  return std::all_of(way.begin(), way.end(), [](const Step& step) { return step.best.even; });
}

std::int64_t rank(const Way& way) {
  std::int64_t sum = 0;
  for (const Step& step : way) sum += step.best.rank;
  return sum;
}

std::int64_t crops_of(const Way& way) {
  std::int64_t product = 1;
  for (const Step& step : way) product *= step.count;
  return product;
}

std::vector<unsigned> wordings_of(const Way& way) {
  std::vector<unsigned> all;
  for (const Step& step : way) all.push_back(step.wordings);
  return all;
}

/// True where layer by layer one wording serves both.
bool agree(const std::vector<unsigned>& a, const std::vector<unsigned>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] & b[i]) == 0) return false;
  return true;
}

/// Those that can be among the best `most`, whatever the other axis is: of one first kernel, overlap and wording, the
/// ones whose second layer has least to do.
std::vector<const Way*> least(const std::vector<Way>& ways, std::size_t most) {
  std::map<std::tuple<std::int64_t, bool, std::vector<unsigned>>, std::vector<const Way*>> alternatives;
  for (const Way& way : ways) alternatives[{way[0].kernel, even(way), wordings_of(way)}].push_back(&way);
  std::vector<const Way*> kept;
  for (auto& [key, same_first] : alternatives) {
    std::stable_sort(same_first.begin(), same_first.end(), [](const Way* a, const Way* b) {
      const auto cost = [](const Way& way) {
        return std::pair(way.size() > 1 ? way[1].input * way[1].kernel : 0, rank(way));
      };
      return cost(*a) < cost(*b);
    });
    same_first.resize(std::min(same_first.size(), most));
    kept.insert(kept.end(), same_first.begin(), same_first.end());
  }
  return kept;
}

using Tiles = std::vector<std::int64_t>;  // kernels and strides, and the size between

Tiles tiles_of(const Way& way, std::int64_t between) {
  Tiles tiles;
  for (const Step& step : way) tiles.insert(tiles.end(), {step.kernel, step.stride});
  if (way.size() > 1) tiles.push_back(between);
  return tiles;
}

std::vector<std::pair<Fit, Fit>> shared_crops(const std::vector<Fit>& heights, const std::vector<Fit>& widths) {
  std::vector<std::pair<Fit, Fit>> pairs;
  for (const Fit& height : heights)
    for (const Fit& width : widths)
      if (height.begin == width.begin && height.end == width.end && (height.wordings & width.wordings) != 0)
        pairs.emplace_back(height, width);
  return pairs;
}

}  // namespace

std::vector<Way> ways(const Search& search, std::int64_t input, std::int64_t output, int layers) {
  std::vector<Way> all;
  if (layers == 1) {
    for (const Step& step : search.steps(input, output)) all.push_back({step});
    return all;
  }
  unsigned any = 0;
  for (const unsigned wording : search.wordings()) any |= wording;
  for (const std::int64_t between : search.outputs(input, any)) {
    const auto onward = search.steps(between, output);
    if (onward.empty()) continue;
    for (const Step& first : search.steps(input, between))
      for (const Step& second : onward) all.push_back({first, second});
  }
  return all;
}

bool Choice::even() const {
  return std::all_of(layers.begin(), layers.end(),
                     [](const LayerChoice& layer) { return layer.height.best.even && layer.width.best.even; });
}

std::int64_t Choice::count() const {
  std::int64_t product = 1;
  for (const LayerChoice& layer : layers) product *= layer.count();
  return product;
}

bool better(const Choice& a, const Choice& b) {
  const auto key = [](const Choice& choice) {
    std::int64_t ranks = 0;
    std::vector<std::int64_t> strides;
    for (const auto& [height, width, listed] : choice.layers) {
      ranks += height.best.rank + width.best.rank;
      strides.insert(strides.end(), {height.stride, width.stride, height.output, width.output});
    }
    return std::tuple(!choice.even(), choice.work, ranks, strides);
  };
  return key(a) < key(b);
}

Plane::Plane(const Options& question)
    : question_(question),
      rows_(given_height(question)),
      columns_(given_width(question)),
      square_(given_height(question) == given_width(question) && question.input.height == question.input.width &&
              question.solve->height == question.solve->width) {
  for (const int layers : {1, 2}) {
    const auto place = static_cast<std::size_t>(layers - 1);
    heights_[place] = ways(rows_, question.input.height, question.solve->height, layers);
    widths_[place] = square_ ? heights_[place] : ways(columns_, question.input.width, question.solve->width, layers);
  }
}

std::int64_t Plane::work(const Way& height, const Way& width) const {
  const auto& layer = question_.layer;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < height.size(); ++i)
    sum += height[i].input * height[i].kernel * width[i].input * width[i].kernel *
           (i == 0 ? layer.in_channels : layer.filters);
  return sum * question_.batch * layer.filters / layer.groups;
}

Choice Plane::choice(const Way& height, const Way& width, Listed listed) const {
  Choice choice{.layers = {}, .work = work(height, width)};
  for (std::size_t i = 0; i < height.size(); ++i) choice.layers.push_back({height[i], width[i], listed});
  return choice;
}

std::optional<Choice> Plane::shared(const Way& height, const Way& width) const {
  Choice found = choice(height, width, Listed::alike);
  if (square_) return wordings_of(height) == wordings_of(width) ? std::optional(found) : std::nullopt;
  for (auto& [row, column, listed] : found.layers) {
    const auto pairs = shared_crops(rows_.crops(row), columns_.crops(column));
    if (pairs.empty()) return std::nullopt;
    row.count = column.count = static_cast<std::int64_t>(pairs.size());
    row.best = pairs.front().first;
    column.best = pairs.front().second;
  }
  return found;
}

std::vector<Choice> Plane::alike(int layers) const {
  std::multimap<Tiles, const Way*> known;
  for (const Way& width : widths(layers)) known.emplace(tiles_of(width, width[0].output), &width);
  std::vector<Choice> choices;
  const std::int64_t wider = question_.input.width - question_.input.height;
  for (const Way& height : heights(layers)) {
    // One kernel, stride and crop keep the axes this far apart.
    const std::int64_t between = height[0].output + wider * height[0].stride;
    const auto [first, last] = known.equal_range(tiles_of(height, between));
    for (auto width = first; width != last; ++width)
      if (const auto found = shared(height, *width->second)) choices.push_back(*found);
  }
  return choices;
}

std::vector<Choice> Plane::own(int layers, std::size_t most) const {
  using Ranked = std::tuple<bool, std::int64_t, std::int64_t, std::size_t, std::size_t>;
  // Each height is alike with one width at most, which does not count here.
  const auto rows = least(heights(layers), most + 1), columns = least(widths(layers), most + 1);
  std::priority_queue<Ranked> best;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const Way &height = *rows[i], &width = *columns[j];
      const Ranked ranked{!(even(height) && even(width)), work(height, width), rank(height) + rank(width), i, j};
      if (best.size() == most && best.top() < ranked) continue;
      if (!agree(wordings_of(height), wordings_of(width)) || tiles_of(height, 0) == tiles_of(width, 0)) continue;
      best.push(ranked);
      if (best.size() > most) best.pop();
    }
  std::vector<Choice> choices;
  for (; !best.empty(); best.pop())
    choices.push_back(choice(*rows[std::get<3>(best.top())], *columns[std::get<4>(best.top())], Listed::alike));
  std::reverse(choices.begin(), choices.end());
  return choices;
}

std::vector<Choice> Plane::each(Listed axis, int layers) const {
  const bool by_height = axis == Listed::heights;
  const auto& all = by_height ? heights(layers) : widths(layers);
  const auto others = least(by_height ? widths(layers) : heights(layers), 1);
  std::vector<Choice> choices;
  for (const Way& way : all) {
    std::optional<Choice> best;
    for (const Way* other : others)
      if (agree(wordings_of(way), wordings_of(*other))) {
        Choice found = by_height ? choice(way, *other, axis) : choice(*other, way, axis);
        if (!best || better(found, *best)) best = std::move(found);
      }
    if (best) choices.push_back(*best);
  }
  return choices;
}

Plane::Count Plane::count(int layers) const {
  std::map<std::vector<unsigned>, std::int64_t> rows, columns;
  for (const Way& way : heights(layers)) rows[wordings_of(way)] += crops_of(way);
  for (const Way& way : widths(layers)) columns[wordings_of(way)] += crops_of(way);
  Count count;
  for (const auto& [wording, number] : rows) count.heights += number;
  for (const auto& [wording, number] : columns) count.widths += number;
  for (const auto& [row, height] : rows)
    for (const auto& [column, width] : columns)
      if (agree(row, column)) count.together += height * width;
  return count;
}

std::vector<std::pair<Fit, Fit>> Plane::crops(const LayerChoice& layer) const {
  const auto& [height, width, listed] = layer;
  std::vector<std::pair<Fit, Fit>> pairs;
  if (listed == Listed::alike) return shared_crops(rows_.crops(height), columns_.crops(width));
  if (listed == Listed::heights)
    for (const Fit& row : rows_.crops(height)) pairs.emplace_back(row, width.best);
  else
    for (const Fit& column : columns_.crops(width)) pairs.emplace_back(height.best, column);
  return pairs;
}

std::optional<Size2D> Plane::nearest() const {
  const Size2D wish = *question_.solve;
  std::optional<Size2D> best;
  std::int64_t least_distance = 0;
  const auto closest = [](const std::set<std::int64_t>& sizes, std::int64_t wanted) {
    return *std::min_element(sizes.begin(), sizes.end(), [&](std::int64_t a, std::int64_t b) {
      return std::abs(a - wanted) < std::abs(b - wanted);
    });
  };
  const auto consider = [&](const std::set<std::int64_t>& rows, const std::set<std::int64_t>& columns) {
    if (rows.empty() || columns.empty()) return;
    const Size2D size{closest(rows, wish.height), closest(columns, wish.width)};
    const std::int64_t distance = std::abs(size.height - wish.height) + std::abs(size.width - wish.width);
    if (best && distance >= least_distance) return;
    best = size;
    least_distance = distance;
  };
  const auto further = [](const Search& search, const std::set<std::int64_t>& sizes, unsigned wording) {
    std::set<std::int64_t> all;
    for (const std::int64_t size : sizes) all.merge(search.outputs(size, wording));
    return all;
  };
  for (const unsigned first : rows_.wordings()) {
    const auto rows = rows_.outputs(question_.input.height, first);
    const auto columns = columns_.outputs(question_.input.width, first);
    consider(rows, columns);
    for (const unsigned second : rows_.wordings())
      consider(further(rows_, rows, second), further(columns_, columns, second));
  }
  return best;
}

}  // namespace conv_transpose
