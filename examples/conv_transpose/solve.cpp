#include "solve.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ways.hpp"
#include "wording.hpp"

namespace conv_transpose {
namespace {

using Listed = LayerChoice::Listed;

constexpr std::size_t every_wording = 1000;

std::string note(bool even, std::int64_t work) {
  return fmt::format("  # {}, {} multiply-adds", even ? "even" : "uneven", work);
}

/// The other ways to say a crop: two short ones, or all.
std::string also(const std::vector<Options>& worded, bool full) {
  std::string text;
  for (std::size_t i = 1; i < worded.size(); ++i) {
    const auto& padding = worded[i].layer.padding;
    if (!full && (i > 2 || text_of(padding).find('x') != std::string::npos)) break;
    text += (i == 1 ? "; also --padding " : ", ") + text_of(padding);
    if (worded[i].layer.output_padding) text += " --output-padding " + worded[i].layer.output_padding->str();
  }
  return text;
}

class Listing {
 public:
  Listing(const Options& question, std::FILE* out) : question_(question), plane_(question), out_(out) {}

  /// False where there is nothing to list.
  bool print() {
    bool found = false;
    for (const int layers : {1, 2}) found = print_layers(layers) || found;
    return found;
  }

  std::optional<Size2D> nearest() const { return plane_.nearest(); }

 private:
  bool print_layers(int layers) {
    const char* name = layers == 1 ? "One layer" : "Two layers";
    const auto count = plane_.count(layers);
    if (count.together == 0) {
      fmt::print(out_, "{}: none\n", name);
      return false;
    }
    const auto alike = plane_.alike(layers);
    std::int64_t crops = 0;
    for (const Choice& choice : alike) crops += choice.count();
    if (!alike.empty()) {
      fmt::print(out_, "{}, both axes alike: {} kernels and strides, {} with every crop\n", name, alike.size(), crops);
      print_choices(alike);
    }
    if (crops < count.together) print_own(name, layers, count, alike.empty());
    return true;
  }

  /// The layers whose axes differ. Any way of one axis goes with any of the other, so all of them stand in a listing of
  /// each axis; where the two are the same question, that is the listing above.
  void print_own(const char* name, int layers, const Plane::Count& count, bool only) {
    constexpr std::int64_t examples = 3;
    const bool free = !question_.given.padding && !question_.given.output_padding;
    fmt::print(out_, "{}, each axis its own: any of {} heights with any of {} widths{}, {} in all\n", name,
               count.heights, count.widths, free ? "" : " worded alike", count.together);
    const auto best =
        plane_.own(layers, static_cast<std::size_t>(only ? question_.limit : std::min(question_.limit, examples)));
    for (const Choice& choice : best) print_line(choice);
    if (!question_.full || plane_.square()) return;
    for (const auto& [axis, title] : {std::pair(Listed::heights, "every height with the best width"),
                                      std::pair(Listed::widths, "every width with the best height")}) {
      fmt::print(out_, "{}, {}\n", name, title);
      print_choices(plane_.each(axis, layers));
    }
  }

  void print_choices(std::vector<Choice> choices) {
    const std::size_t shown =
        question_.full ? choices.size() : std::min(choices.size(), static_cast<std::size_t>(question_.limit));
    std::partial_sort(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(shown), choices.end(), better);
    for (std::size_t i = 0; i < shown; ++i) question_.full ? print_every_crop(choices[i]) : print_line(choices[i]);
    if (shown < choices.size())
      fmt::print(out_, "  ({} more: --limit N or --full prints them)\n", choices.size() - shown);
  }

  /// The question that a layer of a choice answers.
  Options layer_question(const LayerChoice& layer, bool first) const {
    Options asked = question_;
    asked.input = {layer.height.input, layer.width.input};
    if (!first) asked.layer.in_channels = question_.layer.filters;
    return asked;
  }

  /// A choice with its best crop.
  void print_line(const Choice& choice) {
    std::string text;
    std::vector<Options> worded;
    for (const LayerChoice& layer : choice.layers) {
      worded = wordings(layer_question(layer, text.empty()), layer.height.best, layer.width.best, 4);
      text += (text.empty() ? "" : " && ") + command_of(worded.front());
    }
    const std::int64_t others = choice.count() - 1;
    fmt::print(out_, "  {}{}{}{}\n", text, note(choice.even(), choice.work),
               others > 0 ? fmt::format(", {} more {} to crop", others, others == 1 ? "way" : "ways") : "",
               choice.layers.size() == 1 ? also(worded, false) : "");
  }

  void print_every_crop(const Choice& choice) {
    struct Line {
      std::string text, also;
      bool even;
    };
    std::vector<std::vector<Line>> layers;
    for (const LayerChoice& layer : choice.layers) {
      const bool single = choice.layers.size() == 1;
      const Options asked = layer_question(layer, layers.empty());
      auto& lines = layers.emplace_back();
      for (const auto& [height, width] : plane_.crops(layer)) {
        const auto worded = wordings(asked, height, width, single ? every_wording : 1);
        lines.push_back({command_of(worded.front()), also(worded, true), height.even && width.even});
      }
    }
    for (const Line& first : layers.front()) {
      if (layers.size() == 1) {
        fmt::print(out_, "  {}{}{}\n", first.text, note(first.even, choice.work), first.also);
        continue;
      }
      for (const Line& second : layers.back())
        fmt::print(out_, "  {} && {}{}\n", first.text, second.text, note(first.even && second.even, choice.work));
    }
  }

  Options question_;
  Plane plane_;
  std::FILE* out_;
};

/// "kernel_size 4, padding same": what stays as given.
std::string given_text(const Options& options) {
  const auto& [kernel_size, strides, padding, output_padding] = options.given;
  const auto& layer = options.layer;
  std::string text;
  const auto add = [&](bool given, const std::string& words) {
    if (given) text += (text.empty() ? "" : ", ") + words;
  };
  add(kernel_size, "kernel_size " + layer.kernel_size.str());
  add(strides, "strides " + layer.strides.str());
  add(padding, "padding " + text_of(layer.padding));
  if (output_padding) add(true, "output_padding " + layer.output_padding->str());
  return text.empty() ? "" : fmt::format("; every layer with {}, as given", text);
}

}  // namespace

void solve(const Options& options, std::FILE* out) {
  fmt::print(out, "{} to {}: strides up to {}, kernels up to 2 * stride + 5, every padding and output_padding{}\n",
             text_of(options.input), text_of(*options.solve), Search::most_stride, given_text(options));
  Listing listing(options, out);
  if (listing.print()) return;
  Options next = options;
  next.solve = listing.nearest();
  if (!next.solve) {
    fmt::print(out, "Nothing can be had with what is given.\n");
    return;
  }
  next.limit = std::min<std::int64_t>(options.limit, 3);
  next.full = false;
  fmt::print(out, "The nearest that can be had is {}:\n", text_of(*next.solve));
  Listing(next, out).print();
}

}  // namespace conv_transpose
