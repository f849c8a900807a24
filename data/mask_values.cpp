#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_values.hpp>
#include <tessera/data/misfit.hpp>

namespace tessera {
namespace {

/// "0, 1, 255", cut short where there are many.
std::string list_of(const MaskValues& values) {
  std::vector<std::string> texts;
  for (const auto& entry : values) texts.push_back(fmt::format("{}", entry.first));
  constexpr std::size_t shown = 10;
  if (texts.size() > shown) {
    texts[shown] = fmt::format("... ({} values)", texts.size());
    texts.resize(shown + 1);
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string hint_for(const MaskValues& values, std::int64_t classes, bool trained) {
  const std::int32_t largest = values.rbegin()->first;
  const bool only_0_and_255 = values.size() <= 2 && largest == 255 && (values.size() == 1 || values.contains(0));
  if (only_0_and_255 && (!trained || classes == 2))
    return "0/255 masks: pass --mask-values 0,255 to have the classes 0 and 1, or --ignore-index 255 if 255 means "
           "unlabelled";
  const auto beyond = std::count_if(values.begin(), values.end(),
                                    [&](const auto& entry) { return entry.first < 0 || entry.first >= classes; });
  if (trained)
    return fmt::format(
        "the network was trained on {} classes: pass {}--mask-values with the value of each class where these masks "
        "number them otherwise",
        classes, beyond == 1 ? fmt::format("--ignore-index {} if {} means unlabelled, or ", largest, largest) : "");
  if (beyond == 1)
    return fmt::format("pass --ignore-index {} if {} means unlabelled, or --classes {} if it is a class", largest,
                       largest, std::int64_t{largest} + 1);
  return fmt::format("pass --classes {} if these are classes, or --mask-values with the value of each class",
                     std::int64_t{largest} + 1);
}

bool within(std::int32_t a, std::int32_t value, std::int32_t b) {
  return std::min(a, b) <= value && value <= std::max(a, b);
}

bool within(const Rgb& a, const Rgb& color, const Rgb& b) {
  return within(a[0], color[0], b[0]) && within(a[1], color[1], b[1]) && within(a[2], color[2], b[2]);
}

/// `at(i)`: the value or colour of pixel i, row by row.
template <class Key, class At>
std::map<Key, MaskValue> counted(std::int64_t height, std::int64_t width, const At& at) {
  std::map<Key, MaskValue> counts;
  MaskValue* count = nullptr;
  Key last{};
  const auto between = [&](const Key& a, const Key& key, const Key& b) {
    return key != a && key != b && within(a, key, b);
  };
  for (std::int64_t y = 0, i = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x, ++i) {
      const Key key = at(i);
      // Neighbours mostly agree, so the map is asked once a run; its entries stay in place.
      if (count == nullptr || key != last) count = &counts[key];
      last = key;
      ++count->pixels;
      count->between += (x > 0 && x + 1 < width && between(at(i - 1), key, at(i + 1))) ||
                        (y > 0 && y + 1 < height && between(at(i - width), key, at(i + width)));
    }
  for (auto& [key, of_key] : counts) of_key.masks = 1;
  return counts;
}

}  // namespace

MaskValue& MaskValue::operator+=(const MaskValue& other) {
  pixels += other.pixels;
  masks += other.masks;
  between += other.between;
  return *this;
}

MaskValues values_of(const Tensor& mask) {
  const auto* pixel = mask.data<std::int32_t>();
  return counted<std::int32_t>(mask.size(0), mask.size(1), [&](std::int64_t i) { return pixel[i]; });
}

std::map<Rgb, MaskValue> colors_of(const Tensor& pixels) {
  const auto* pixel = pixels.data<std::uint8_t>();
  const std::int64_t channels = pixels.size(2);
  return counted<Rgb>(pixels.size(0), pixels.size(1), [&](std::int64_t i) {
    const auto* rgb = pixel + i * channels;
    return Rgb{rgb[0], rgb[1], rgb[2]};
  });
}

MaskValues count_mask_values(const std::vector<std::filesystem::path>& masks, const std::function<void()>& advance) {
  MaskValues total;
  std::mutex mutex;
  std::vector<std::string> problems(masks.size());
  parallel_for(static_cast<std::int64_t>(masks.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      const MaskValues values = values_of(read_mask(masks[at]));
      const std::lock_guard lock(mutex);
      for (const auto& [value, count] : values) total[value] += count;
    } catch (const IoError& error) {
      problems[at] = error.what();
    }
    if (advance) advance();
  });
  if (total.empty() && !problems.empty()) throw IoError(problems[0]);
  return total;
}

bool is_black_and_white(const MaskValues& values, std::int32_t ignore_index) {
  MaskValues kept = values;
  kept.erase(ignore_index);
  return kept.size() == 2 && kept.contains(0) && kept.contains(255);
}

bool is_counted_from_1(const MaskValues& values, std::int32_t ignore_index) {
  MaskValues kept = values;
  kept.erase(ignore_index);
  return kept.size() >= 2 && kept.begin()->first == 1;
}

std::int64_t classes_of(const MaskValues& values, std::int32_t ignore_index, const std::string& folder) {
  MaskValues kept = values;
  kept.erase(ignore_index);
  if (kept.empty()) throw IoError(fmt::format("{}: no pixel of the masks has a label", folder));
  const std::int64_t classes = std::int64_t{kept.rbegin()->first} + 1;
  const auto used = static_cast<std::int64_t>(kept.size());
  if (classes > 2 * std::max<std::int64_t>(used, 2))
    throw IoError(fmt::format("{}: cannot tell the number of classes from the mask values {}; {}", folder,
                              list_of(values), hint_for(values, used - 1, false)));
  return classes;
}

void check_mask(const Tensor& mask, const Labels& labels, const std::filesystem::path& path, bool trained) {
  const auto pixels = mask.span<std::int32_t>();
  const auto wrong = [&](std::int32_t value) {
    return (value < 0 || value >= labels.classes) && value != labels.ignore_index;
  };
  const auto first = std::find_if(pixels.begin(), pixels.end(), wrong);
  if (first == pixels.end()) return;

  const auto count = std::count_if(pixels.begin(), pixels.end(), wrong);
  const auto position = static_cast<std::int64_t>(first - pixels.begin());
  MaskValues values = values_of(mask);
  values.erase(labels.ignore_index);
  throw MisfitError(fmt::format(
      "{}: {} of {} pixels lie beyond the {} classes 0 to {}: the first is {} at row {}, column {}; "
      "the mask holds {}; {}",
      path.string(), count, pixels.size(), labels.classes, labels.classes - 1, *first, position / mask.size(1),
      position % mask.size(1), list_of(values), hint_for(values, labels.classes, trained)));
}

}  // namespace tessera
