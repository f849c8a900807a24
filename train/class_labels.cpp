#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <tessera/core/error.hpp>
#include <tessera/core/text.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/class_labels.hpp>

namespace tessera {
namespace {

std::vector<std::string> names_in_file(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();  // of a file from Windows
    if (const std::string_view name = trimmed(line); !name.empty() && !name.starts_with('#')) names.emplace_back(name);
  }
  if (names.empty())
    throw IoError(
        fmt::format("class names: \"{}\" is neither names such as sky,road nor a file with one a line", path));
  return names;
}

std::vector<std::string> names_in_list(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream stream(list + ',');  // so that a comma at the end has an empty name after it
  for (std::string name; std::getline(stream, name, ',');) names.emplace_back(trimmed(name));
  return names;
}

bool told_apart(const Rgb& a, const Rgb& b) {
  constexpr int visible = 16;  // of 255; ramps of grey differ by less
  for (std::size_t c = 0; c < 3; ++c)
    if (std::abs(a[c] - b[c]) >= visible) return true;
  return false;
}

/// Empty unless every class has a colour, and one of its own.
std::vector<Rgb> colors_in(const std::vector<Rgb>& palette, const Labels& labels) {
  const std::map<std::int32_t, std::int32_t>& labels_of_values = labels.encoding.values;
  std::map<std::int32_t, Rgb> by_label;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    const auto value = static_cast<std::int32_t>(i);
    const auto known = labels_of_values.find(value);
    const std::int32_t label = labels_of_values.empty() ? value : known != labels_of_values.end() ? known->second : -1;
    if (label >= 0 && label < labels.classes) by_label[label] = palette[i];
  }
  if (static_cast<std::int64_t>(by_label.size()) < labels.classes) return {};
  std::vector<Rgb> colors;
  for (const auto& entry : by_label) {
    const Rgb& color = entry.second;
    if (!std::all_of(colors.begin(), colors.end(), [&](const Rgb& other) { return told_apart(color, other); }))
      return {};
    colors.push_back(color);
  }
  return colors;
}

}  // namespace

std::vector<std::string> class_names_from_spec(const std::string& spec) {
  const bool list = spec.find(',') != spec.npos;
  std::vector<std::string> names = list ? names_in_list(spec) : names_in_file(spec);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty()) throw ValueError(fmt::format("class names: a name is missing in \"{}\"", spec));
    if (!seen.insert(name).second) throw ValueError(fmt::format("class names: \"{}\" stands there twice", name));
  }
  return names;
}

std::vector<Rgb> palette_colors(const FolderDataset& part) {
  for (const FolderDataset::Pair& pair : part.pairs()) {
    try {
      return colors_in(read_image(pair.mask, ImageUse::labels).palette, part.labels());
    } catch (const IoError&) {  // whoever trains on it reports it
    }
  }
  return {};
}

}  // namespace tessera
