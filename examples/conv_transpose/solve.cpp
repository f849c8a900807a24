#include "solve.hpp"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "search.hpp"

namespace conv_transpose {
namespace {

using Tile = std::pair<std::int64_t, std::int64_t>;  // kernel and stride

/// A layer by its kernel and stride on each axis, with every crop that gives the wanted size, simplest first.
struct Choice {
  std::vector<Fit> heights, widths;  // of one length and paired where `shared`, else combined
  bool shared = true;
  bool even = false;
  std::int64_t work = 0;

  std::int64_t count() const {
    return static_cast<std::int64_t>(shared ? heights.size() : heights.size() * widths.size());
  }
  auto key() const {
    return std::tuple(!even, work, heights[0].rank + widths[0].rank, heights[0].stride, widths[0].stride);
  }
};

std::map<Tile, std::vector<Fit>> by_tile(const std::vector<Fit>& fits) {
  std::map<Tile, std::vector<Fit>> tiles;
  for (const Fit& fit : fits) tiles[{fit.kernel, fit.stride}].push_back(fit);
  for (auto& [tile, crops] : tiles)
    std::stable_sort(crops.begin(), crops.end(), [](const Fit& a, const Fit& b) {
      const auto key = [](const Fit& fit) {
        return std::tuple(!fit.even, fit.rank, std::abs(fit.begin - fit.end), fit.begin);
      };
      return key(a) < key(b);
    });
  return tiles;
}

/// How many multiply-adds a layer takes: those of its kernel, however it is cropped.
std::int64_t work_of(const Options& question, const Fit& height, const Fit& width) {
  Options layer = question;
  layer.layer.kernel_size = {height.kernel, width.kernel};
  layer.layer.strides = {height.stride, width.stride};
  layer.layer.padding = valid;
  return layer.geometry().multiply_adds();
}

Choice make_choice(const Options& question, std::vector<Fit> heights, std::vector<Fit> widths, bool shared) {
  Choice choice{std::move(heights), std::move(widths), shared};
  choice.even = choice.heights[0].even && choice.widths[0].even;
  choice.work = work_of(question, choice.heights[0], choice.widths[0]);
  return choice;
}

/// Layers that treat both axes alike.
std::vector<Choice> shared_choices(const Options& question, Size2D output, const Search& search) {
  auto fits = search.to(question.input.height, output.height);
  if (question.input.height != question.input.width || output.height != output.width) {
    const auto widths = search.to(question.input.width, output.width);
    std::set<Fit> known(widths.begin(), widths.end());
    std::erase_if(fits, [&](const Fit& fit) { return !known.contains(fit); });
  }
  std::vector<Choice> choices;
  for (auto& [tile, crops] : by_tile(fits)) choices.push_back(make_choice(question, crops, crops, true));
  return choices;
}

/// Layers with a kernel, a stride and a crop for each axis.
std::vector<Choice> separate_choices(const Options& question, Size2D output, const Search& rows,
                                     const Search& columns) {
  const auto heights = by_tile(rows.to(question.input.height, output.height));
  const auto widths = by_tile(columns.to(question.input.width, output.width));
  std::vector<Choice> choices;
  for (const auto& [row_tile, row_crops] : heights)
    for (const auto& [column_tile, column_crops] : widths)
      choices.push_back(make_choice(question, row_crops, column_crops, false));
  return choices;
}

/// Two layers, one after the other.
struct Chain {
  std::size_t size = 0;  // place of the size between among the middles
  const Choice* first = nullptr;
  const Choice* second = nullptr;
  auto key() const {
    return std::tuple(!(first->even && second->even), first->work + second->work, first->key(), second->key(), size);
  }
};

/// A size between two layers, and the layers that lead there and on.
struct Middle {
  Options after;  // the question from here
  std::vector<Choice> first, second;
};

Options after_layer(const Options& question, Size2D size) {
  Options next = question;
  next.input = size;
  next.layer.in_channels = question.layer.filters;
  return next;
}

std::set<std::pair<std::int64_t, std::int64_t>> reachable(const Options& question, const Search& search) {
  std::set<std::pair<std::int64_t, std::int64_t>> sizes;
  const std::int64_t wider = question.input.width - question.input.height;
  search.each(question.input.height, [&](const Fit& fit, std::int64_t height) {
    const std::int64_t width = height + wider * fit.stride;
    if (width >= 1) sizes.emplace(height, width);
  });
  return sizes;
}

std::vector<Middle> middles(const Options& question, const Search& search) {
  std::vector<Middle> all;
  for (const auto& [height, width] : reachable(question, search)) {
    const Options after = after_layer(question, {height, width});
    auto second = shared_choices(after, *question.solve, search);
    if (!second.empty()) all.push_back({after, shared_choices(question, after.input, search), std::move(second)});
  }
  return all;
}

std::string note(bool even, std::int64_t work, std::int64_t others) {
  return fmt::format("  # {}, {} multiply-adds{}", even ? "even" : "uneven", work,
                     others > 0 ? fmt::format(", {} more ways to crop", others) : "");
}

std::string also(const std::vector<Options>& ways, bool full) {
  std::string text;
  for (std::size_t i = 1; i < ways.size(); ++i) {
    const auto& padding = ways[i].layer.padding;
    if (!full && (i > 2 || text_of(padding).find('x') != std::string::npos)) break;
    text += (i == 1 ? "; also --padding " : ", ") + text_of(padding);
    if (ways[i].layer.output_padding) text += " --output-padding " + ways[i].layer.output_padding->str();
  }
  return text;
}

/// The command for a layer with this crop.
void print_crop(const Options& question, const Choice& choice, const Fit& height, const Fit& width, std::int64_t others,
                std::FILE* out) {
  const auto ways = spellings(question, height, width);
  fmt::print(out, "  {}{}{}\n", command_of(ways[0]), note(height.even && width.even, choice.work, others),
             also(ways, question.full));
}

void print_choice(const Options& question, const Choice& choice, std::FILE* out) {
  if (!question.full) return print_crop(question, choice, choice.heights[0], choice.widths[0], choice.count() - 1, out);
  for (std::size_t row = 0; row < choice.heights.size(); ++row)
    for (std::size_t column = choice.shared ? row : 0; column < (choice.shared ? row + 1 : choice.widths.size());
         ++column)
      print_crop(question, choice, choice.heights[row], choice.widths[column], 0, out);
}

template <class Item>
std::size_t sort_best(std::vector<Item>& items, const Options& question) {
  const std::size_t shown =
      question.full ? items.size() : std::min(items.size(), static_cast<std::size_t>(question.limit));
  std::partial_sort(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown), items.end(),
                    [](const Item& a, const Item& b) { return a.key() < b.key(); });
  return shown;
}

void print_rest(std::size_t rest, std::FILE* out) {
  if (rest > 0) fmt::print(out, "  ({} more: --limit N or --full prints them)\n", rest);
}

void print_layers(const Options& question, std::vector<Choice> choices, std::FILE* out) {
  std::int64_t count = 0;
  for (const auto& choice : choices) count += choice.count();
  const std::size_t shown = sort_best(choices, question);
  fmt::print(out, "One layer: {} kernels and strides, {} with every crop{}\n", choices.size(), count,
             choices.empty() || choices[0].shared ? "" : "; no one choice serves both axes, so each has its own");
  for (std::size_t i = 0; i < shown; ++i) print_choice(question, choices[i], out);
  print_rest(choices.size() - shown, out);
}

void print_chains(const Options& question, const std::vector<Middle>& all, std::FILE* out) {
  std::vector<Chain> chains;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const auto& first : all[i].first)
      for (const auto& second : all[i].second) {
        chains.push_back({i, &first, &second});
        count += first.count() * second.count();
      }
  const std::size_t shown = sort_best(chains, question);
  fmt::print(out,
             "Two layers, each treating both axes alike: {} kernels and strides (here with the best crop), {} with "
             "every crop\n",
             chains.size(), count);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto [middle, first, second] = chains[i];
    const auto one = spellings(question, first->heights[0], first->widths[0]);
    const auto two = spellings(all[middle].after, second->heights[0], second->widths[0]);
    fmt::print(out, "  {} && {}{}\n", command_of(one[0]), command_of(two[0]),
               note(first->even && second->even, first->work + second->work, first->count() * second->count() - 1));
  }
  print_rest(chains.size() - shown, out);
}

/// The size nearest to the wish among those that one layer, or two, can reach.
Size2D nearest(const Options& question, const Search& search) {
  const Size2D wish = *question.solve;
  Size2D best = 0;
  const auto closer = [&](std::int64_t h, std::int64_t w) {
    const auto distance = [&](Size2D size) {
      return std::abs(size.height - wish.height) + std::abs(size.width - wish.width);
    };
    if (best == Size2D(0) || distance({h, w}) < distance(best)) best = {h, w};
  };
  for (const auto& [h, w] : reachable(question, search)) {
    closer(h, w);
    for (const auto& [further_h, further_w] : reachable(after_layer(question, {h, w}), search))
      closer(further_h, further_w);
  }
  return best;
}

bool print_solutions(const Options& question, const Search& rows, const Search& columns, bool alike, std::FILE* out) {
  auto choices = alike ? shared_choices(question, *question.solve, rows) : std::vector<Choice>{};
  if (choices.empty()) choices = separate_choices(question, *question.solve, rows, columns);
  const auto all = alike ? middles(question, rows) : std::vector<Middle>{};
  if (choices.empty() && all.empty()) return false;
  print_layers(question, std::move(choices), out);
  print_chains(question, all, out);
  return true;
}

}  // namespace

void solve(const Options& options, std::FILE* out) {
  const Size2D dilation = options.layer.dilation_rate;
  const bool alike = dilation.height == dilation.width;
  const Search rows(dilation.height), columns(dilation.width);
  fmt::print(out, "{} to {}: strides up to {}, kernels up to 2 * stride + 5, every padding and output_padding\n",
             text_of(options.input), text_of(*options.solve), Search::most_stride);
  if (print_solutions(options, rows, columns, alike, out)) return;
  Options next = options;
  next.solve = nearest(options, rows);
  next.limit = std::min<std::int64_t>(options.limit, 3);
  next.full = false;
  fmt::print(out, "None. The nearest that can be had is {}:\n", text_of(*next.solve));
  print_solutions(next, rows, columns, alike, out);
}

}  // namespace conv_transpose
