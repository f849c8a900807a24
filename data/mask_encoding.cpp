#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <tessera/core/error.hpp>
#include <tessera/core/text.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/data/misfit.hpp>

namespace tessera {
namespace {

using Words = std::vector<std::string>;

std::optional<Rgb> color_of(Words::const_iterator words) {
  Rgb color{};
  for (std::uint8_t& channel : color) {
    const std::optional<std::uint8_t> number = parse_number<std::uint8_t>(*words++);
    if (!number) return std::nullopt;
    channel = *number;
  }
  return color;
}

bool names_void(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  constexpr std::array<std::string_view, 5> known{"void", "ignore", "ignored", "unlabeled", "unlabelled"};
  return std::find(known.begin(), known.end(), name) != known.end();
}

const Rgb& nearest_color(const Rgb& color, const std::map<Rgb, std::int32_t>& colors) {
  const auto distance = [&](const Rgb& other) {
    int sum = 0;
    for (std::size_t c = 0; c < 3; ++c) sum += (color[c] - other[c]) * (color[c] - other[c]);
    return sum;
  };
  return std::min_element(colors.begin(), colors.end(),
                          [&](const auto& a, const auto& b) { return distance(a.first) < distance(b.first); })
      ->first;
}

/// Labels of pixels, each looked up once for a run of equal ones.
class Lookup {
 public:
  explicit Lookup(const std::filesystem::path& path, Tensor& mask)
      : path_(path), width_(mask.size(1)), out_(mask.mutable_data<std::int32_t>()) {}

  template <class Key, class Explain>
  void add(const Key& key, std::optional<Key>& last, const std::map<Key, std::int32_t>& labels,
           const Explain& explain) {
    if (key != last) {
      const auto found = labels.find(key);
      if (found == labels.end())
        throw MisfitError(
            fmt::format("{}: row {}, column {}: {}", path_.string(), count_ / width_, count_ % width_, explain(key)));
      label_ = found->second;
      last = key;
    }
    out_[count_++] = label_;
  }

 private:
  const std::filesystem::path& path_;
  std::int64_t width_, count_ = 0;
  std::int32_t* out_;
  std::int32_t label_ = 0;
};

Tensor by_color(const std::filesystem::path& path, const Image& image, const std::map<Rgb, std::int32_t>& labels) {
  if (image.bits != 8) throw MisfitError(fmt::format("{}: expected colours of 8 bits, got 16", path.string()));
  const std::int64_t channels = image.pixels.size(2);
  Tensor mask = Tensor::empty({image.pixels.size(0), image.pixels.size(1)}, i32);
  Lookup lookup(path, mask);
  std::optional<Rgb> last;
  const auto* pixel = image.pixels.data<std::uint8_t>();
  for (std::int64_t i = 0; i < mask.numel(); ++i, pixel += channels)
    lookup.add(Rgb{pixel[0], pixel[1], pixel[2]}, last, labels, [&](const Rgb& color) {
      return fmt::format("the colour {} is none of the colour map's; the nearest there is {}", text_of(color),
                         text_of(nearest_color(color, labels)));
    });
  return mask;
}

Tensor by_value(const std::filesystem::path& path, const Tensor& raw,
                const std::map<std::int32_t, std::int32_t>& labels) {
  Tensor mask = Tensor::empty(raw.shape(), i32);
  Lookup lookup(path, mask);
  std::optional<std::int32_t> last;
  for (const std::int32_t value : raw.span<std::int32_t>())
    lookup.add(value, last, labels, [&](std::int32_t unknown) {
      std::vector<std::int32_t> known;
      for (const auto& entry : labels) known.push_back(entry.first);
      return fmt::format("the value {} is none of the mask values {}; --mask-values says which ones stand for classes",
                         unknown, fmt::join(known, ", "));
    });
  return mask;
}

}  // namespace

std::string text_of(const Rgb& color) { return fmt::format("{} {} {}", color[0], color[1], color[2]); }

ColorMap read_color_map(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw IoError(fmt::format("{}: cannot open the colour map", path.string()));
  ColorMap map;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream stream(line.substr(0, line.find('#')));
    const Words words{std::istream_iterator<std::string>(stream), {}};
    if (words.empty()) continue;
    const bool first = words.size() >= 4 && color_of(words.begin());
    const std::optional<Rgb> color =
        words.size() < 4 ? std::nullopt : color_of(first ? words.begin() : words.end() - 3);
    if (!color)
      throw IoError(fmt::format("{}:{}: expected \"name R G B\" with numbers from 0 to 255, got \"{}\"", path.string(),
                                number, line));
    std::string name;
    for (auto word = words.begin() + (first ? 3 : 0); word != words.end() - (first ? 0 : 3); ++word)
      name += (name.empty() ? "" : " ") + *word;
    const std::int32_t label = names_void(name) ? no_label : static_cast<std::int32_t>(map.names.size());
    if (!map.encoding.colors.emplace(*color, label).second)
      throw IoError(fmt::format("{}:{}: the colour {} stands there twice", path.string(), number, text_of(*color)));
    if (label != no_label) map.names.push_back(name);
  }
  if (map.names.size() < 2)
    throw IoError(fmt::format("{}: expected two classes or more, got {}", path.string(), map.names.size()));
  return map;
}

MaskEncoding encoding_of(const std::vector<std::int32_t>& values, std::int32_t ignored) {
  MaskEncoding encoding;
  if (values.empty()) return encoding;
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!encoding.values.emplace(values[k], static_cast<std::int32_t>(k)).second)
      throw ValueError(fmt::format("mask values: {} stands there twice", values[k]));
  if (ignored != no_label && !encoding.values.emplace(ignored, no_label).second)
    throw ValueError(fmt::format("mask values: {} is a class and ignored, too", ignored));
  return encoding;
}

std::vector<std::int32_t> mask_values_of(const MaskEncoding& encoding) {
  std::map<std::int32_t, std::int32_t> by_label;
  for (const auto& [value, label] : encoding.values)
    if (label != no_label) by_label[label] = value;
  std::vector<std::int32_t> values;
  for (const auto& [label, value] : by_label) values.push_back(value);
  return values;
}

std::vector<std::int32_t> parse_mask_values(const std::string& text) {
  std::vector<std::int32_t> values;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    const std::optional<std::int32_t> value = parse_number<std::int32_t>(word);
    if (!value || *value < 0 || *value > 65535)
      throw ValueError(fmt::format("mask values: expected numbers from 0 to 65535 such as 0,255, got \"{}\"", text));
    values.push_back(*value);
  }
  if (values.size() < 2)
    throw ValueError(fmt::format("mask values: expected one for each of two classes or more, got \"{}\"", text));
  return values;
}

std::int64_t classes_of(const MaskEncoding& encoding) {
  std::int32_t largest = no_label;
  for (const auto& [value, label] : encoding.values) largest = std::max(largest, label);
  for (const auto& [color, label] : encoding.colors) largest = std::max(largest, label);
  return largest + 1;
}

Tensor read_mask(const std::filesystem::path& path, const MaskEncoding& encoding) {
  if (!encoding.colors.empty()) {
    const Image image = read_image(path);
    if (image.pixels.size(2) >= 3) return by_color(path, image, encoding.colors);
  }
  const Tensor raw = read_mask(path);
  return encoding.values.empty() ? raw : by_value(path, raw, encoding.values);
}

}  // namespace tessera
