#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <tessera/core/error.hpp>
#include <tessera/core/nearest_name.hpp>
#include <tessera/core/text.hpp>
#include <tessera/data/augmentation_spec.hpp>
#include <tessera/data/photometric.hpp>
#include <tessera/data/rearrangements.hpp>
#include <tessera/data/warp.hpp>

namespace tessera {
namespace {

/// The numbers after '=': none, one or two.
struct Amount {
  std::optional<double> first{}, second{};
};

double number_of(std::string_view text, std::string_view term) {
  const std::optional<double> number = parse_number<double>(text);
  if (!number) throw ValueError(fmt::format("expected a number after '=' in \"{}\", got \"{}\"", term, text));
  return *number;
}

const AugmentationName& named(std::string_view name) {
  std::vector<std::string> names;
  for (const AugmentationName& known : augmentation_names()) {
    if (known.name == name) return known;
    names.push_back(known.name);
  }
  const std::string nearest = nearest_name(name, names);
  throw ValueError(fmt::format("no transform is called \"{}\": expected one of {}{}", name, fmt::join(names, ", "),
                               nearest.empty() ? "" : "; the nearest is " + nearest));
}

using Terms = std::map<std::string, Amount>;

void add_term(std::string_view term, Terms& terms) {
  const std::size_t equals = term.find('=');
  const AugmentationName& known = named(trimmed(term.substr(0, equals)));
  Amount amount;
  if (equals != term.npos) {
    const std::string_view value = trimmed(term.substr(equals + 1));
    const std::size_t colon = value.find(':');
    if (known.example == known.name) throw ValueError(fmt::format("{} takes no number, got \"{}\"", known.name, term));
    amount.first = number_of(value.substr(0, colon), term);
    if (colon != value.npos) amount.second = number_of(value.substr(colon + 1), term);
    if (amount.second && known.name != "scale")
      throw ValueError(fmt::format("{} takes one number, got \"{}\"", known.name, term));
  }
  if (!terms.emplace(known.name, amount).second) throw ValueError(fmt::format("{} stands there twice", known.name));
}

Terms terms_of(std::string_view spec) {
  Terms terms;
  spec = trimmed(spec);
  if (spec.empty() || spec == "none") return terms;
  for (std::size_t begin = 0; begin <= spec.size();) {
    const std::size_t end = std::min(spec.find(',', begin), spec.size());
    const std::string_view term = trimmed(spec.substr(begin, end - begin));
    if (term.empty())
      throw ValueError(
          fmt::format("expected transforms with a comma between two, such as flip,rotate=10, got \"{}\"", spec));
    add_term(term, terms);
    begin = end + 1;
  }
  return terms;
}

/// What a term says, `otherwise` where it gives no number, 0 where it is missing.
double amount_of(const Terms& terms, const char* name, double otherwise) {
  const auto term = terms.find(name);
  return term == terms.end() ? 0 : term->second.first.value_or(otherwise);
}

WarpOptions warp_of(const Terms& terms, Size2D crop) {
  WarpOptions warp{.size = crop, .rotation = amount_of(terms, "rotate", 10), .elastic = amount_of(terms, "elastic", 6)};
  if (const auto scale = terms.find("scale"); scale != terms.end()) {
    const Amount& amount = scale->second;
    const double first = amount.first.value_or(0.75);
    if (amount.first && !amount.second && !(first >= 0 && first < 1))
      throw ValueError(
          fmt::format("scale={}: expected a number from 0 to below 1, such as 0.25 for factors of 0.75 to 1.25, or the "
                      "smallest and "
                      "the largest factor, such as scale=0.75:1.5",
                      first));
    warp.min_scale = amount.first && !amount.second ? 1 - first : first;
    warp.max_scale = amount.first && !amount.second ? 1 + first : amount.second.value_or(1.5);
  }
  return warp;
}

}  // namespace

const std::vector<AugmentationName>& augmentation_names() {
  static const std::vector<AugmentationName> names = {
      {"turn", "turn", "quarter turns"},
      {"scale", "scale=0.75:1.5", "enlarge by a factor from here to there"},
      {"rotate", "rotate=10", "rotate by up to as many degrees either way"},
      {"elastic", "elastic=6", "bend smoothly, by about as many pixels"},
      {"flip", "flip", "mirror half of the images left to right"},
      {"vflip", "vflip", "mirror half of them top to bottom"},
      {"brightness", "brightness=0.2", "add up to so much, of 1, to all colours, or take it away"},
      {"contrast", "contrast=0.2", "spread colours about their mean by a factor of 0.8 to 1.2"},
      {"gamma", "gamma=0.2", "raise colours to a power from 1/1.2 to 1.2"},
      {"blur", "blur=1", "blur by a Gaussian of up to as many pixels"},
      {"noise", "noise=0.03", "add normal noise of a deviation up to that"}};
  return names;
}

Augmentation augmentation_from_spec(std::string_view spec, Size2D crop) {
  const Terms terms = terms_of(spec);
  std::vector<Transform> transforms;
  const auto add_if_named = [&](const char* name, Transform transform) {
    if (terms.contains(name)) transforms.push_back(std::move(transform));
  };
  add_if_named("turn", quarter_turn());
  if (terms.contains("scale") || terms.contains("rotate") || terms.contains("elastic"))
    transforms.push_back(random_warp(warp_of(terms, crop)));
  else if (crop != Size2D{})
    transforms.push_back(random_crop(crop));
  add_if_named("flip", flip_horizontal());
  add_if_named("vflip", flip_vertical());
  add_if_named("brightness", random_brightness(amount_of(terms, "brightness", 0.2)));
  add_if_named("contrast", random_contrast(amount_of(terms, "contrast", 0.2)));
  add_if_named("gamma", random_gamma(amount_of(terms, "gamma", 0.2)));
  add_if_named("blur", random_blur(amount_of(terms, "blur", 1)));
  add_if_named("noise", random_noise(amount_of(terms, "noise", 0.03)));
  return Augmentation(std::move(transforms));
}

}  // namespace tessera
