#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/audit.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// What one pair holds, or why it cannot be used.
struct PairAudit {
  std::array<std::int64_t, 3> size{};
  std::map<std::int32_t, std::int64_t> values;
  std::string problem;
};

/// The files of a folder by stem; `problems` gets those that share a stem.
std::map<std::string, fs::path> files_of(const fs::path& folder, std::vector<std::string>& problems) {
  if (!fs::is_directory(folder)) throw IoError(fmt::format("{}: expected a folder, there is none", folder.string()));
  std::map<std::string, fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (!entry.is_regular_file() || path.filename().string().starts_with('.')) continue;
    const auto [other, added] = files.emplace(path.stem().string(), path);
    if (!added)
      problems.push_back(fmt::format("{}: has the stem of {}", path.string(), other->second.filename().string()));
  }
  return files;
}

PairAudit audit_pair(const fs::path& image_path, const fs::path& mask_path) {
  PairAudit pair;
  try {
    const Tensor image = read_image(image_path).pixels, mask = read_mask(mask_path);
    pair.size = {image.size(0), image.size(1), image.size(2)};
    if (mask.size(0) != image.size(0) || mask.size(1) != image.size(1))
      throw IoError(fmt::format("{}: {} x {} pixels, but its image has {} x {}", mask_path.string(), mask.size(1),
                                mask.size(0), image.size(1), image.size(0)));
    for (const std::int32_t value : mask.span<std::int32_t>()) ++pair.values[value];
  } catch (const Error& error) {
    pair.problem = error.what();
  }
  return pair;
}

/// The first few names, and how many more there are.
std::string some(const std::vector<std::string>& names, std::string_view separator) {
  constexpr std::size_t shown = 8;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size()));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, separator));
  if (names.size() > shown) text += fmt::format("{}and {} more", separator, names.size() - shown);
  return text;
}

}  // namespace

PartAudit audit_part(const fs::path& folder) {
  PartAudit audit{folder, {}, {}, {}, {}, {}, {}};
  const std::map<std::string, fs::path> images = files_of(folder / "images", audit.problems);
  const std::map<std::string, fs::path> masks = files_of(folder / "masks", audit.problems);
  std::vector<std::pair<fs::path, fs::path>> pairs;
  for (const auto& [stem, path] : images) {
    if (const auto mask = masks.find(stem); mask != masks.end())
      pairs.emplace_back(path, mask->second);
    else
      audit.images_without_mask.push_back(path.filename().string());
  }
  for (const auto& [stem, path] : masks)
    if (!images.contains(stem)) audit.masks_without_image.push_back(path.filename().string());

  audit.pairs = static_cast<std::int64_t>(pairs.size());
  std::vector<PairAudit> audits(pairs.size());
  parallel_for(audit.pairs, [&](std::int64_t i) {
    const auto& [image, mask] = pairs[static_cast<std::size_t>(i)];
    audits[static_cast<std::size_t>(i)] = audit_pair(image, mask);
  });
  for (const PairAudit& pair : audits) {
    if (!pair.problem.empty()) {
      audit.problems.push_back(pair.problem);
      continue;
    }
    ++audit.sizes[pair.size];
    for (const auto& [value, pixels] : pair.values) {
      audit.values[value].pixels += pixels;
      ++audit.values[value].masks;
    }
  }
  return audit;
}

MaskAdvice advise(const std::map<std::int32_t, MaskValue>& values) {
  MaskAdvice advice;
  std::vector<std::int32_t> present;
  for (const auto& [value, count] : values) present.push_back(value);
  if (present.empty()) return advice;
  if (present == std::vector<std::int32_t>{0, 255}) {
    advice.classes = 2;
    advice.remarks.emplace_back(
        "the masks hold 0 and 255, black and white: write 1 for 255 if white is a class; as they are, 255 would have "
        "to be a class number or be ignored");
    return advice;
  }
  if (present.back() == 255 && present.size() > 1) {
    advice.ignore_index = 255;
    advice.remarks.emplace_back("255 commonly marks pixels to ignore");
    present.pop_back();
  }
  advice.classes = present.back() + 1;
  std::vector<std::int32_t> absent;
  for (std::int32_t value = 0; value < present.back(); ++value)
    if (!std::binary_search(present.begin(), present.end(), value)) absent.push_back(value);
  if (absent.size() == 1 && absent[0] == 0)
    advice.remarks.emplace_back("no pixel is 0: the classes seem to be counted from 1; they have to be counted from 0");
  else if (!absent.empty())
    advice.remarks.push_back(
        fmt::format("{} of the values below {} stand in no mask, {} the first: are these class "
                    "indices, or grey values?",
                    absent.size(), present.back(), absent[0]));
  return advice;
}

std::string to_text(const PartAudit& audit) {
  std::string text = fmt::format("{}: {} images with their masks\n", audit.folder.string(), audit.pairs);
  if (!audit.images_without_mask.empty())
    text += fmt::format("  without a mask: {}\n", some(audit.images_without_mask, ", "));
  if (!audit.masks_without_image.empty())
    text += fmt::format("  masks without an image: {}\n", some(audit.masks_without_image, ", "));
  for (const auto& [size, count] : audit.sizes)
    text += fmt::format("  {} of {} x {} pixels, {} channel{}\n", count, size[1], size[0], size[2],
                        size[2] == 1 ? "" : "s");
  std::int64_t pixels = 0;
  for (const auto& [value, count] : audit.values) pixels += count.pixels;
  if (pixels > 0) text += fmt::format("  {:>10} {:>14} {:>8} {:>8}\n", "mask value", "pixels", "share", "masks");
  for (const auto& [value, count] : audit.values)
    text += fmt::format("  {:>10} {:>14} {:>7.2f}% {:>8}\n", value, count.pixels,
                        100 * static_cast<double>(count.pixels) / static_cast<double>(pixels), count.masks);
  if (!audit.problems.empty()) text += fmt::format("  cannot be used:\n    {}\n", some(audit.problems, "\n    "));
  return text;
}

}  // namespace tessera
