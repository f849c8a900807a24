#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/train/audit.hpp>

namespace tessera {
namespace {

using nlohmann::ordered_json;

/// The first few names, and how many more there are.
std::string some(const std::vector<std::string>& names, std::string_view separator) {
  constexpr std::size_t shown = 8;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size()));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, separator));
  if (names.size() > shown) text += fmt::format("{}and {} more", separator, names.size() - shown);
  return text;
}

template <class Key>
std::int64_t pixels_in(const std::map<Key, MaskValue>& counts) {
  std::int64_t pixels = 0;
  for (const auto& [key, count] : counts) pixels += count.pixels;
  return pixels;
}

/// A table of values or colours, the most common ones where there are very many.
template <class Key, class Name>
std::string table(const char* heading, const std::map<Key, MaskValue>& counts, const Name& name) {
  const std::int64_t pixels = pixels_in(counts);
  if (pixels == 0) return "";
  constexpr std::size_t shown = 40;
  std::vector<std::pair<Key, MaskValue>> rows(counts.begin(), counts.end());
  if (rows.size() > shown)
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.second.pixels > b.second.pixels; });
  std::string text = fmt::format("  {:>12} {:>14} {:>8} {:>8}\n", heading, "pixels", "share", "masks");
  for (std::size_t i = 0; i < std::min(shown, rows.size()); ++i)
    text += fmt::format("  {:>12} {:>14} {:>7.2f}% {:>8}\n", name(rows[i].first), rows[i].second.pixels,
                        100 * static_cast<double>(rows[i].second.pixels) / static_cast<double>(pixels),
                        rows[i].second.masks);
  if (rows.size() > shown) text += fmt::format("  and {} more, each rarer than these\n", rows.size() - shown);
  return text;
}

std::string to_text(const PartAudit& audit, bool by_colors) {
  std::string text = fmt::format("{}: {} images with their masks\n", audit.folder.string(), audit.pairs);
  if (audit.pairs == 0) text += "  expected images in images/ and masks of the same stems in masks/\n";
  if (!audit.images_without_mask.empty())
    text += fmt::format("  without a mask: {}\n", some(audit.images_without_mask, ", "));
  if (!audit.masks_without_image.empty())
    text += fmt::format("  masks without an image: {}\n", some(audit.masks_without_image, ", "));
  constexpr std::size_t shown = 12;
  std::size_t lines = 0;
  for (const auto& [size, count] : audit.sizes)
    if (++lines <= shown)
      text += fmt::format("  {} of {} x {} pixels, {} channel{}\n", count, size[1], size[0], size[2],
                          size[2] == 1 ? "" : "s");
  if (lines > shown) text += fmt::format("  and {} more sizes\n", lines - shown);
  text += table("mask value", audit.counts.values, [](std::int32_t value) { return value; });
  text += table("colour", audit.counts.colors, text_of);
  for (const auto& [palette, masks] : audit.counts.palettes)
    if (audit.counts.palettes.size() <= 3)
      text += fmt::format("  {} mask{} with a palette of {} colours, read {}\n", masks, masks == 1 ? "" : "s",
                          palette.size(), by_colors ? "by the colour map" : "as indices");
  if (!audit.empty_masks.empty())
    text += fmt::format("  {} of {} masks hold no object: {}\n", audit.empty_masks.size(), audit.masks.size(),
                        some(audit.empty_masks, ", "));
  if (!audit.passed_over.empty())
    text += fmt::format("  passed over, being no image files: {}\n", some(audit.passed_over, ", "));
  if (!audit.problems.empty()) text += fmt::format("  cannot be used:\n    {}\n", some(audit.problems, "\n    "));
  return text;
}

std::string weights_text(const FolderAudit& audit) {
  std::string text = fmt::format("class weights, from {}:\n  {:>12}", audit.parts[0].folder.string(), "class");
  std::vector<std::vector<double>> columns;
  for (const auto& [name, of] : counted_weights()) {
    text += fmt::format(" {:>10}", name);
    columns.push_back(of(audit.class_pixels));
  }
  constexpr std::size_t shown = 40;
  const std::size_t classes = audit.class_pixels.pixels.size();
  for (std::size_t k = 0; k < std::min(shown, classes); ++k) {
    text += fmt::format("\n  {:>12}", k < audit.names.size() ? audit.names[k] : fmt::format("{}", k));
    for (const std::vector<double>& weights : columns) text += fmt::format(" {:>10.4f}", weights[k]);
  }
  if (classes > shown) text += fmt::format("\n  and {} more, which --json lists", classes - shown);
  return text + '\n';
}

template <class Key, class Name>
ordered_json counts_json(const char* key, const std::map<Key, MaskValue>& counts, const Name& name) {
  const auto pixels = static_cast<double>(pixels_in(counts));
  ordered_json list = ordered_json::array();
  for (const auto& [value, count] : counts)
    list.push_back({{key, name(value)},
                    {"pixels", count.pixels},
                    {"share", static_cast<double>(count.pixels) / pixels},
                    {"masks", count.masks}});
  return list;
}

ordered_json part_json(const PartAudit& audit) {
  ordered_json sizes = ordered_json::array();
  for (const auto& [size, count] : audit.sizes)
    sizes.push_back({{"height", size[0]}, {"width", size[1]}, {"channels", size[2]}, {"images", count}});
  return {{"folder", audit.folder.string()},
          {"pairs", audit.pairs},
          {"images_without_mask", audit.images_without_mask},
          {"masks_without_image", audit.masks_without_image},
          {"sizes", sizes},
          {"values", counts_json("value", audit.counts.values, [](std::int32_t value) { return value; })},
          {"colors", counts_json("color", audit.counts.colors, [](const Rgb& color) { return color; })},
          {"palettes", audit.counts.palettes.size()},
          {"empty_masks", audit.empty_masks},
          {"passed_over", audit.passed_over},
          {"problems", audit.problems}};
}

}  // namespace

std::string to_text(const FolderAudit& audit) {
  std::string text;
  for (const PartAudit& part : audit.parts) text += to_text(part, audit.by_colors) + "\n";
  const std::vector<std::int64_t>& pixels = audit.class_pixels.pixels;
  if (std::any_of(pixels.begin(), pixels.end(), [](std::int64_t count) { return count > 0; }))
    text += weights_text(audit) + "\n";
  for (const std::string& problem : audit.problems) text += fmt::format("wrong: {}\n", problem);
  for (const std::string& remark : audit.advice.remarks) text += fmt::format("note: {}\n", remark);
  if (!audit.advice.options().empty()) text += fmt::format("suggested: {}\n", audit.advice.options());
  if (!audit.sound() && !audit.empty()) text += "not all of this can be used for training, as said above\n";
  return text;
}

std::string to_json(const FolderAudit& audit) {
  ordered_json parts = ordered_json::array();
  for (const PartAudit& part : audit.parts) parts.push_back(part_json(part));
  ordered_json result = {
      {"sound", audit.sound()},
      {"problems", audit.problems},
      {"parts", parts},
      {"classes", audit.advice.classes},
      {"class_names", audit.names},
      {"ignore_index",
       audit.advice.ignore_index == no_label ? ordered_json(nullptr) : ordered_json(audit.advice.ignore_index)},
      {"mask_values", audit.advice.mask_values},
      {"remarks", audit.advice.remarks},
      {"options", audit.advice.options()}};
  if (audit.advice.classes > 1)
    for (const auto& [name, of] : counted_weights()) result["class_weights"][name] = of(audit.class_pixels);
  return result.dump(2);
}

}  // namespace tessera
