#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>
#include <tessera/core/error.hpp>
#include <tessera/core/nearest_name.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/text.hpp>
#include <tessera/train/class_weights.hpp>

namespace tessera {
namespace {

/// What each class's share, where it has one, makes its weight.
template <class F>
std::vector<double> each_weight(const std::vector<double>& shares, const F& weight) {
  std::vector<double> weights;
  for (const double share : shares) weights.push_back(share > 0 ? weight(share) : 0);
  return weights;
}

std::vector<double> shares_of(const ClassPixels& counts) {
  const auto all = std::accumulate(counts.pixels.begin(), counts.pixels.end(), std::int64_t{0});
  std::vector<double> shares;
  for (const std::int64_t pixels : counts.pixels)
    shares.push_back(all > 0 ? static_cast<double>(pixels) / static_cast<double>(all) : 0);
  return shares;
}

std::optional<double> weight_of(const std::string& text) {
  const std::optional<double> weight = parse_number<double>(text);
  return weight && *weight >= 0 ? weight : std::nullopt;
}

/// A file's lines, each a weight with the name before it, or without one.
std::vector<std::pair<std::string, double>> read_weights(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) {
    std::vector<std::string> names;
    for (const CountedWeights& counted : counted_weights()) names.push_back(counted.name);
    throw IoError(fmt::format("class weights: \"{}\" is neither none, {}, numbers such as 1,2.5,0.3, nor a file", file,
                              fmt::join(names, ", ")));
  }
  std::vector<std::pair<std::string, double>> weights;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::istringstream words(line);
    std::vector<std::string> parts{std::istream_iterator<std::string>(words), {}};
    if (parts.empty() || parts[0].starts_with('#')) continue;
    const std::optional<double> weight = weight_of(parts.back());
    if (!weight)
      throw IoError(
          fmt::format("{}:{}: expected a weight of 0 or more, or a name and a weight, got \"{}\"", file, number, line));
    parts.pop_back();
    weights.emplace_back(fmt::format("{}", fmt::join(parts, " ")), *weight);
  }
  return weights;
}

/// The weights in the classes' order: by their names, where the data set has names, or as they stand.
std::vector<double> weights_from_file(const std::string& file, const Labels& labels) {
  const auto lines = read_weights(file);
  if (static_cast<std::int64_t>(lines.size()) != labels.classes)
    throw ValueError(
        fmt::format("{}: expected a weight for each of {} classes, got {}", file, labels.classes, lines.size()));
  std::vector<double> weights;
  if (labels.names.empty() || lines[0].first.empty()) {
    for (const auto& line : lines) weights.push_back(line.second);
    return weights;
  }
  const std::map<std::string, double> by_name(lines.begin(), lines.end());
  std::vector<std::string> given;
  for (const auto& line : lines) given.push_back(line.first);
  for (const std::string& name : labels.names) {
    const auto weight = by_name.find(name);
    if (weight == by_name.end()) {
      const std::string nearest = nearest_name(name, given);
      throw ValueError(fmt::format("{}: no weight for the class \"{}\"; {}", file, name,
                                   nearest.empty() ? fmt::format("the names there are {}", fmt::join(given, ", "))
                                                   : fmt::format("the nearest name there is \"{}\"", nearest)));
    }
    weights.push_back(weight->second);
  }
  return weights;
}

}  // namespace

void ClassPixels::add(const std::vector<std::int64_t>& image) {
  const std::int64_t whole = std::accumulate(image.begin(), image.end(), std::int64_t{0});
  for (std::size_t k = 0; k < pixels.size(); ++k) {
    pixels[k] += image[k];
    if (image[k] > 0) in_company[k] += whole;
  }
}

std::vector<std::int64_t> pixels_of_classes(const Tensor& mask, const Labels& labels) {
  std::vector<std::int64_t> pixels(static_cast<std::size_t>(labels.classes));
  for (const std::int32_t label : mask.span<std::int32_t>())
    if (label != labels.ignore_index) ++pixels.at(static_cast<std::size_t>(label));
  return pixels;
}

ClassPixels count_class_pixels(const Dataset& dataset, const std::function<void()>& advance) {
  const auto classes = static_cast<std::size_t>(dataset.labels().classes);
  std::vector<std::vector<std::int64_t>> parts(static_cast<std::size_t>(dataset.size()));
  parallel_for(dataset.size(), [&](std::int64_t i) {
    std::vector<std::int64_t>& part = parts[static_cast<std::size_t>(i)];
    part.resize(classes);
    try {
      part = pixels_of_classes(dataset.mask(i), dataset.labels());
    } catch (const IoError&) {  // whoever trains on it reports it
    }
    if (advance) advance();
  });
  ClassPixels counts{std::vector<std::int64_t>(classes), std::vector<std::int64_t>(classes)};
  for (const std::vector<std::int64_t>& part : parts) counts.add(part);
  return counts;
}

std::vector<double> median_frequency_weights(const ClassPixels& counts) {
  std::vector<double> frequencies, present;
  for (std::size_t k = 0; k < counts.pixels.size(); ++k) {
    const bool occurs = counts.pixels[k] > 0;
    frequencies.push_back(occurs ? static_cast<double>(counts.pixels[k]) / static_cast<double>(counts.in_company[k])
                                 : 0);
    if (occurs) present.push_back(frequencies.back());
  }
  if (present.empty()) return frequencies;
  std::sort(present.begin(), present.end());
  const std::size_t middle = present.size() / 2;
  const double median = present.size() % 2 == 1 ? present[middle] : (present[middle - 1] + present[middle]) / 2;
  return each_weight(frequencies, [&](double frequency) { return median / frequency; });
}

std::vector<double> inverse_weights(const ClassPixels& counts) {
  const auto classes = static_cast<double>(counts.pixels.size());
  return each_weight(shares_of(counts), [&](double share) { return 1 / (classes * share); });
}

std::vector<double> root_weights(const ClassPixels& counts) {
  const auto classes = static_cast<double>(counts.pixels.size());
  return each_weight(shares_of(counts), [&](double share) { return 1 / std::sqrt(classes * share); });
}

std::vector<double> enet_weights(const ClassPixels& counts) {
  return each_weight(shares_of(counts), [](double share) { return 1 / std::log(1.02 + share); });
}

const std::vector<CountedWeights>& counted_weights() {
  static const std::vector<CountedWeights> all = {{"median", median_frequency_weights},
                                                  {"inverse", inverse_weights},
                                                  {"root", root_weights},
                                                  {"enet", enet_weights}};
  return all;
}

const CountedWeights* find_counted_weights(const std::string& name) {
  for (const CountedWeights& counted : counted_weights())
    if (counted.name == name) return &counted;
  return nullptr;
}

std::vector<double> class_weights_from_spec(const std::string& spec, const Dataset& dataset,
                                            const std::function<void()>& advance) {
  if (spec.empty() || spec == "none") return {};
  const auto none_counts = [](const std::vector<double>& weights) {
    return std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; });
  };
  if (const CountedWeights* counted = find_counted_weights(spec)) {
    std::vector<double> weights = counted->of(count_class_pixels(dataset, advance));
    if (none_counts(weights)) throw ValueError("class weights: no pixel of the masks has a label");
    return weights;
  }
  const Labels& labels = dataset.labels();
  const bool file = spec.find(',') == spec.npos;
  std::vector<double> weights = file ? weights_from_file(spec, labels) : weights_from_numbers(spec);
  if (static_cast<std::int64_t>(weights.size()) != labels.classes)
    throw ValueError(fmt::format("class weights: expected a number for each of {} classes, got {} in \"{}\"",
                                 labels.classes, weights.size(), spec));
  if (none_counts(weights))
    throw ValueError(
        fmt::format("class weights: expected one above 0, got \"{}\": there would be nothing to learn", spec));
  return weights;
}

std::string to_spec(const std::vector<double>& class_weights) {
  return class_weights.empty() ? "none" : fmt::format("{}", fmt::join(class_weights, ","));
}

std::vector<double> weights_from_numbers(const std::string& text) {
  std::vector<double> weights;
  if (text.empty() || text == "none") return weights;
  std::istringstream numbers(text);
  for (std::string number; std::getline(numbers, number, ',');) {
    const std::optional<double> weight = weight_of(number);
    if (!weight)
      throw ValueError(fmt::format("class weights: expected numbers of 0 or more, got \"{}\" in \"{}\"", number, text));
    weights.push_back(*weight);
  }
  return weights;
}

}  // namespace tessera
