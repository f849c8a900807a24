#include "expect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "overlap.hpp"

namespace conv_transpose {
namespace {

constexpr std::int64_t kernel_reach = 6, stride_reach = 4;  // how far from what was given a change may lie
constexpr std::size_t shown = 6;

/// Which options differ from those given, and by how much.
struct Change {
  bool kernel = false, stride = false, padding = false, output_padding = false;
  std::int64_t amount = 0;
  int count() const { return kernel + stride + padding + output_padding; }
};

struct AxisChoice {
  Axis axis;
  Change change;
};

Change change_of(const Axis& given, const Axis& axis) {
  Change change{.kernel = axis.kernel != given.kernel,
                .stride = axis.stride != given.stride,
                .padding = axis.padding != given.padding,
                .output_padding = axis.output_padding != given.output_padding};
  change.amount = std::abs(axis.kernel - given.kernel) + std::abs(axis.stride - given.stride) + change.padding +
                  change.output_padding + std::abs(axis.output_padding.value_or(0) - given.output_padding.value_or(0));
  if (axis.padding.kind == Padding::Kind::sides && change.padding)
    change.amount += std::abs(axis.padding.sides.top - given.padding.sides.top) +
                     std::abs(axis.padding.sides.bottom - given.padding.sides.bottom);
  return change;
}

/// What the library makes of an axis, or 0 where it refuses.
std::int64_t output_of(const Axis& axis) {
  const std::int64_t limit = std::max(axis.stride, axis.dilation);
  if (axis.output_padding && *axis.output_padding >= limit) return 0;
  const std::int64_t natural =
      geometry_of({axis.input, axis.kernel, axis.stride, axis.dilation, valid, 0}).input.height;
  if (axis.padding.sides.top + axis.padding.sides.bottom >= natural) return 0;
  if (axis.padding == same && axis.output_padding && axis.input == 1 && *axis.output_padding == 0) return 0;
  return geometry_of(axis).input.height;
}

/// The paddings worth trying on an axis: those of one kind, the given one first.
std::vector<Padding> paddings(const Axis& given, Padding::Kind kind, std::int64_t kernel) {
  if (kind != Padding::Kind::sides) return {Padding(kind)};
  std::vector<Padding> all;
  if (given.padding.kind == kind) all.push_back(given.padding);
  const std::int64_t span = (kernel - 1) * given.dilation + 1;
  for (std::int64_t crop = 0; crop < std::min<std::int64_t>(span, 16); ++crop)
    for (const std::int64_t more : {0, 1}) all.push_back(Sides{crop, crop + more, crop, crop + more});
  return all;
}

/// Every nearby choice for one axis that gives `wanted`, fewest changes first.
std::vector<AxisChoice> choices(const Axis& given, std::int64_t wanted, Padding::Kind kind, bool with_output_padding) {
  std::vector<AxisChoice> found;
  const auto consider = [&](const Axis& axis) {
    const Change change = change_of(given, axis);
    if (change.count() <= 2 && output_of(axis) == wanted) found.push_back({axis, change});
  };
  for (std::int64_t k = std::max<std::int64_t>(1, given.kernel - kernel_reach); k <= given.kernel + kernel_reach; ++k)
    for (std::int64_t s = std::max<std::int64_t>(1, given.stride - stride_reach); s <= given.stride + stride_reach; ++s)
      for (const Padding& padding : paddings(given, kind, k)) {
        Axis axis{given.input, k, s, given.dilation, padding, std::nullopt};
        if (!with_output_padding) {
          consider(axis);
          continue;
        }
        for (std::int64_t op = 0; op < std::min<std::int64_t>(std::max(s, given.dilation), 16); ++op) {
          axis.output_padding = op;
          consider(axis);
        }
      }
  std::stable_sort(found.begin(), found.end(), [](const AxisChoice& a, const AxisChoice& b) {
    return std::pair(a.change.count(), a.change.amount) < std::pair(b.change.count(), b.change.amount);
  });
  constexpr std::size_t enough = 100;
  if (found.size() > enough) found.resize(enough);
  return found;
}

/// Both axes joined to a whole layer.
Options joined(Options options, const Axis& height, const Axis& width) {
  auto& layer = options.layer;
  layer.kernel_size = {height.kernel, width.kernel};
  layer.strides = {height.stride, width.stride};
  layer.padding = height.padding;
  layer.padding.sides.left = width.padding.sides.top;
  layer.padding.sides.right = width.padding.sides.bottom;
  layer.output_padding = std::nullopt;
  if (height.output_padding) layer.output_padding = Size2D(*height.output_padding, *width.output_padding);
  return options;
}

std::string change_text(const Options& given, const Options& changed) {
  std::string text;
  const auto compare = [&](const char* name, const std::string& before, const std::string& after) {
    if (before != after) text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", name, before, after);
  };
  const auto op = [](const Options& options) {
    return options.layer.output_padding ? options.layer.output_padding->str() : std::string("none");
  };
  compare("kernel_size", given.layer.kernel_size.str(), changed.layer.kernel_size.str());
  compare("strides", given.layer.strides.str(), changed.layer.strides.str());
  compare("padding", text_of(given.layer.padding), text_of(changed.layer.padding));
  compare("output_padding", op(given), op(changed));
  return text;
}

struct Suggestion {
  Options options;
  int count;            // options that change
  bool differs;         // the axes no longer agree where the given ones did
  std::int64_t amount;  // by how much
  std::int64_t work;
  auto key() const { return std::tuple(count, differs, amount, work); }
};

/// The names of the options that change.
std::set<std::string> changed_names(const Options& given, const Options& changed) {
  const auto &a = given.layer, &b = changed.layer;
  std::set<std::string> names;
  if (a.kernel_size != b.kernel_size) names.insert("kernel_size");
  if (a.strides != b.strides) names.insert("strides");
  if (a.padding != b.padding) names.insert("padding");
  if (a.output_padding != b.output_padding) names.insert("output_padding");
  return names;
}

/// Those that change no option in vain, of each set of options the first two, each layer once.
std::vector<Suggestion> smallest(const Options& given, const std::vector<Suggestion>& sorted) {
  constexpr int of_a_kind = 2;
  std::vector<Suggestion> kept;
  std::map<std::set<std::string>, int> kinds;
  std::set<std::string> layers;
  for (const auto& suggestion : sorted) {
    const auto names = changed_names(given, suggestion.options);
    const bool in_vain = std::any_of(kinds.begin(), kinds.end(), [&](const auto& kind) {
      return kind.first.size() < names.size() &&
             std::includes(names.begin(), names.end(), kind.first.begin(), kind.first.end());
    });
    const ConvGeometry g = suggestion.options.geometry();
    const std::string layer = fmt::format("{} {} {} {} {} {}", text_of(g.kernel), text_of(g.stride), g.pad.top,
                                          g.pad.left, g.pad.bottom, g.pad.right);
    if (in_vain || kinds[names] == of_a_kind || !layers.insert(layer).second) continue;
    ++kinds[names];
    kept.push_back(suggestion);
  }
  return kept;
}

std::vector<Suggestion> suggestions(const Options& options) {
  const Axis height = height_of(options), width = width_of(options);
  std::vector<Suggestion> all;
  std::set<std::string> known;
  for (const auto kind : {Padding::Kind::same, Padding::Kind::valid, Padding::Kind::sides})
    for (const bool with_output_padding : {false, true})
      for (const auto& [row, r] : choices(height, options.expect->height, kind, with_output_padding))
        for (const auto& [column, c] : choices(width, options.expect->width, kind, with_output_padding)) {
          const Options changed = joined(options, row, column);
          const int count = (r.kernel || c.kernel) + (r.stride || c.stride) + (r.padding || c.padding) +
                            (r.output_padding || c.output_padding);
          if (count > 2 || !known.insert(command_of(changed)).second) continue;
          const bool differs = row.kernel - height.kernel != column.kernel - width.kernel ||
                               row.stride - height.stride != column.stride - width.stride ||
                               row.output_padding != column.output_padding || row.padding != column.padding;
          all.push_back({changed, count, differs, r.amount + c.amount, changed.geometry().multiply_adds()});
        }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
  return smallest(options, all);
}

}  // namespace

bool holds(const Options& options) { return options.geometry().input == *options.expect; }

std::string expect(const Options& options) {
  const std::string given = text_of(options.geometry().input), wanted = text_of(*options.expect);
  if (holds(options)) return fmt::format("Yes: {} gives {}.\n", text_of(options.input), given);
  std::string text = fmt::format("No: {} gives {}, not {}.\n", text_of(options.input), given, wanted);
  const auto all = suggestions(options);
  if (all.empty())
    return text + fmt::format("No small change gives it. Every choice: {} --solve {}\n", question_of(options), wanted);
  text += "The smallest changes that give it:\n";
  for (std::size_t i = 0; i < std::min(shown, all.size()); ++i)
    text += fmt::format("  {}  # {}\n", command_of(all[i].options), change_text(options, all[i].options));
  return text;
}

}  // namespace conv_transpose
