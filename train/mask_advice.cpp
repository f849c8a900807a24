#include <fmt/ranges.h>

#include <algorithm>
#include <tessera/train/mask_advice.hpp>

namespace tessera {
namespace {

using Values = std::vector<std::int32_t>;

bool black_and_white(const Values& values) { return values == Values{0, 255}; }

/// The first few, and how many there are.
std::string some(const Values& values) {
  constexpr std::size_t shown = 8;
  if (values.size() <= shown) return fmt::format("{}", fmt::join(values, ", "));
  return fmt::format("{}, ... ({} values)", fmt::join(values.begin(), values.begin() + shown, ", "), values.size());
}

/// Values or colours that stand between their neighbours' wherever they stand: what blending two classes makes.
template <class Key>
std::vector<Key> blends(const std::map<Key, MaskValue>& counts) {
  std::vector<Key> result;
  for (const auto& [key, count] : counts)
    if (2 * count.between > count.pixels) result.push_back(key);
  return result;
}

constexpr const char* why_blended =
    "the masks were blended when they were resized, rotated or saved as JPEG, and these are no classes; make them anew "
    "from the originals with nearest-neighbour resizing";

Values without(const Values& values, const Values& taken) {
  Values kept;
  std::set_difference(values.begin(), values.end(), taken.begin(), taken.end(), std::back_inserter(kept));
  return kept;
}

/// One or two classes may be thin lines between others; between black and white two are not.
bool are_blended(const Values& grown, const Values& kept) {
  return kept.size() >= 2 && grown.size() >= (black_and_white(kept) ? 2 : 3);
}

Values counting_up_to(std::size_t count) {
  Values values;
  for (std::size_t k = 0; k < count; ++k) values.push_back(static_cast<std::int32_t>(k));
  return values;
}

void advise_on_values(const MaskValues& values, MaskAdvice& advice) {
  Values present;
  for (const auto& [value, count] : values) present.push_back(value);
  if (const Values grown = blends(values), kept = without(present, grown); are_blended(grown, kept)) {
    advice.blended = true;
    advice.remarks.push_back(fmt::format(
        "{} of the {} values stand at the borders of others only ({}): {}{}", grown.size(), present.size(), some(grown),
        why_blended, black_and_white(kept) ? ", or set values below 128 to 0 and the others to 255" : ""));
    return;
  }
  if (present.size() == 1) {
    advice.remarks.push_back(fmt::format("every pixel is {}: there is nothing to tell apart", present[0]));
    return;
  }
  if (black_and_white(present)) {
    advice.classes = 2;
    advice.mask_values = {0, 255};
    advice.remarks.emplace_back(
        "0 and 255 are black and white: training takes them as the classes 0 and 1; if 255 means unlabelled, pass "
        "--ignore-index 255");
    return;
  }
  if (present.back() == 255) {
    advice.ignore_index = 255;
    advice.remarks.emplace_back("255 commonly marks pixels to ignore");
    present.pop_back();
  }
  const bool from_1 = present.front() == 1;
  advice.classes = std::int64_t{present.back()} + (from_1 ? 0 : 1);
  const auto absent = static_cast<std::size_t>(advice.classes) - present.size();
  if (from_1 && absent <= present.size()) {
    advice.mask_values = counting_up_to(static_cast<std::size_t>(advice.classes));
    for (std::int32_t& value : advice.mask_values) ++value;
    advice.remarks.push_back(
        fmt::format("no class is 0: training takes the values 1 to {0} as the classes 0 to {1}; if 0 is a class, pass "
                    "--classes {2}",
                    advice.classes, advice.classes - 1, advice.classes + 1));
  }
  if (absent == 0) return;
  if (absent > present.size()) {
    advice.classes = static_cast<std::int64_t>(present.size());
    advice.mask_values = present;
    advice.remarks.push_back(
        fmt::format("if each of {} is a class, --mask-values numbers them from 0: {} of the values below {} are none; "
                    "are they grey values?",
                    some(present), absent, present.back()));
    return;
  }
  Values all = advice.mask_values;
  if (all.empty()) all = counting_up_to(static_cast<std::size_t>(advice.classes));
  const Values missing = without(all, present);
  advice.remarks.push_back(fmt::format("no pixel is {}: classes that nothing is learnt of", some(missing)));
}

/// No options make classes of colours.
void advise_on_colors(const std::map<Rgb, MaskValue>& colors, MaskAdvice& advice) {
  advice = {.blended = advice.blended, .remarks = std::move(advice.remarks)};
  const std::size_t grown = blends(colors).size(), kept = colors.size() - grown;
  // Classes painted in colours may be thin lines, too, but where colours were blended most of them are blends.
  if (kept >= 2 && grown >= 3 && grown > kept) {
    advice.blended = true;
    advice.remarks.push_back(
        fmt::format("{} of the {} colours stand at the borders of others only: {}", grown, colors.size(), why_blended));
    return;
  }
  advice.remarks.push_back(fmt::format(
      "some masks are coloured, with {} colours: write a file of lines \"name R G B\", one a class, and pass "
      "it as --colour-map, here and to segment train",
      colors.size()));
}

}  // namespace

void MaskCounts::add(const MaskCounts& other) {
  const auto merge = [](auto& into, const auto& from) {
    for (const auto& [key, count] : from) into[key] += count;
  };
  merge(values, other.values);
  merge(colors, other.colors);
  for (const auto& [palette, masks] : other.palettes) palettes[palette] += masks;
}

std::string MaskAdvice::options() const {
  if (classes < 2) return "";
  std::string text = !color_map.empty()    ? "--colour-map " + color_map
                     : mask_values.empty() ? fmt::format("--classes {}", classes)
                                           : fmt::format("--mask-values {}", fmt::join(mask_values, ","));
  if (ignore_index != no_label) text += fmt::format(" --ignore-index {}", ignore_index);
  return text;
}

MaskAdvice advise(const MaskCounts& counts) {
  MaskAdvice advice;
  // A coloured mask that is black throughout looks like one of value 0.
  if (!counts.values.empty() && (counts.colors.empty() || counts.values.size() > 1))
    advise_on_values(counts.values, advice);
  if (!counts.colors.empty()) advise_on_colors(counts.colors, advice);
  if (counts.palettes.size() > 1)
    advice.remarks.push_back(
        fmt::format("the masks have {} different palettes: does one index mean one class in all of them? If not, pass "
                    "a --colour-map",
                    counts.palettes.size()));
  return advice;
}

}  // namespace tessera
