#include <algorithm>
#include <iterator>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/train/audit.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// What one pair holds, or why it cannot be used.
struct PairAudit {
  std::array<std::int64_t, 3> size{};
  MaskCounts counts;
  std::string problem;
};

/// The files of a folder by stem; `problems` gets those that share a stem.
std::map<std::string, fs::path> files_of(const fs::path& folder, std::vector<std::string>& problems) {
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

bool strictly_between(std::int32_t a, std::int32_t value, std::int32_t b) {
  return (a < value && value < b) || (b < value && value < a);
}

void count_values(const Tensor& mask, std::map<std::int32_t, MaskValue>& values) {
  const std::int64_t height = mask.size(0), width = mask.size(1);
  const auto* pixel = mask.data<std::int32_t>();
  MaskValue* count = nullptr;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x, ++pixel) {
      if (count == nullptr || *pixel != *(pixel - 1)) count = &values[*pixel];  // std::map's entries stay in place
      ++count->pixels;
      const bool across = x > 0 && x + 1 < width && strictly_between(pixel[-1], *pixel, pixel[1]);
      const bool down = y > 0 && y + 1 < height && strictly_between(pixel[-width], *pixel, pixel[width]);
      count->between += across || down;
    }
}

void count_colors(const Tensor& pixels, std::map<Rgb, MaskValue>& colors) {
  const auto* pixel = pixels.data<std::uint8_t>();
  const std::int64_t channels = pixels.size(2);
  for (std::int64_t i = 0; i < pixels.numel(); i += channels)
    ++colors[Rgb{pixel[i], pixel[i + 1], pixel[i + 2]}].pixels;
}

bool is_colored(const Tensor& pixels) {
  if (pixels.dtype() != u8 || pixels.size(2) < 3) return false;
  const auto* pixel = pixels.data<std::uint8_t>();
  for (std::int64_t i = 0; i < pixels.numel(); i += pixels.size(2))
    if (pixel[i] != pixel[i + 1] || pixel[i] != pixel[i + 2]) return true;
  return false;
}

void count_mask(const fs::path& path, const MaskEncoding& encoding, PairAudit& pair) {
  const Image raw = read_image(path, ImageUse::labels);
  if (raw.pixels.size(0) != pair.size[0] || raw.pixels.size(1) != pair.size[1])
    throw IoError(fmt::format("{}: {} x {} pixels, but its image has {} x {}", path.string(), raw.pixels.size(1),
                              raw.pixels.size(0), pair.size[1], pair.size[0]));
  if (!raw.palette.empty()) pair.counts.palettes[raw.palette] = 1;
  if (encoding.empty() && is_colored(raw.pixels))
    count_colors(raw.pixels, pair.counts.colors);
  else
    count_values(read_mask(path, encoding), pair.counts.values);
  for (auto& [value, count] : pair.counts.values) count.masks = 1;
  for (auto& [color, count] : pair.counts.colors) count.masks = 1;
}

PairAudit audit_pair(const fs::path& image_path, const fs::path& mask_path, const MaskEncoding& encoding) {
  PairAudit pair;
  try {
    const Tensor image = read_image(image_path).pixels;
    pair.size = {image.size(0), image.size(1), image.size(2)};
    count_mask(mask_path, encoding, pair);
  } catch (const Error& error) {
    pair.problem = error.what();
  }
  return pair;
}

/// The part of that name of a folder; all of it where the name is empty.
PartAudit audit_part(const fs::path& whole, const char* name, const AuditOptions& options) {
  const fs::path folder = *name == 0 ? whole : whole / name;
  PartAudit audit{.folder = folder};
  for (const char* kind : {"images", "masks"})
    if (!fs::is_directory(folder / kind))
      throw IoError(fmt::format("{}: no such folder; expected {}", (folder / kind).string(), expected_layout(whole)));
  const std::map<std::string, fs::path> images = files_of(folder / "images", audit.problems);
  const std::map<std::string, fs::path> masks = files_of(folder / "masks", audit.problems);
  std::vector<FolderDataset::Pair> pairs;
  for (const auto& [stem, path] : images) {
    if (const auto mask = masks.find(stem); mask != masks.end())
      pairs.push_back({stem, path, mask->second});
    else
      audit.images_without_mask.push_back(path.filename().string());
  }
  for (const auto& [stem, path] : masks)
    if (!images.contains(stem)) audit.masks_without_image.push_back(path.filename().string());

  audit.pairs = static_cast<std::int64_t>(pairs.size());
  if (options.begin) options.begin(audit.pairs);
  std::vector<PairAudit> audits(pairs.size());
  parallel_for(audit.pairs, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    audits[at] = audit_pair(pairs[at].image, pairs[at].mask, options.encoding);
    if (options.advance) options.advance();
  });
  for (std::size_t i = 0; i < audits.size(); ++i) {
    const PairAudit& pair = audits[i];
    if (!pair.problem.empty()) {
      audit.problems.push_back(pair.problem);
      continue;
    }
    audit.usable.push_back(pairs[i]);
    ++audit.sizes[pair.size];
    audit.counts.add(pair.counts);
    std::map<std::int32_t, std::int64_t>& mask = audit.masks.emplace_back();
    for (const auto& [value, count] : pair.counts.values) mask[value] = count.pixels;
  }
  return audit;
}

/// Lists masks of class 0 and ignored pixels alone; those whose colours are not known as classes are none.
void list_empty_masks(PartAudit& part, std::int32_t ignored) {
  for (std::size_t i = 0; i < part.masks.size(); ++i)
    if (!part.masks[i].empty() && std::all_of(part.masks[i].begin(), part.masks[i].end(), [&](const auto& value) {
          return value.first <= 0 || value.first == ignored;
        }))
      part.empty_masks.push_back(part.usable[i].mask.filename().string());
}

/// Counts as training on the advice would make them.
ClassPixels class_pixels_of(const PartAudit& part, const MaskAdvice& advice) {
  const auto classes = static_cast<std::size_t>(advice.classes);
  ClassPixels counts{std::vector<std::int64_t>(classes), std::vector<std::int64_t>(classes)};
  const MaskEncoding encoding = encoding_of(advice.mask_values, no_label);
  for (const auto& mask : part.masks) {
    std::vector<std::int64_t> pixels(classes);
    for (const auto& [value, count] : mask) {
      const auto known = encoding.values.find(value);
      const std::int32_t label = encoding.values.empty()          ? value
                                 : known == encoding.values.end() ? no_label
                                                                  : known->second;
      if (label >= 0 && label < advice.classes && value != advice.ignore_index)
        pixels[static_cast<std::size_t>(label)] += count;
    }
    counts.add(pixels);
  }
  return counts;
}

}  // namespace

bool FolderAudit::sound() const {
  return std::all_of(parts.begin(), parts.end(), [](const PartAudit& part) {
    return part.pairs > 0 && part.problems.empty() && part.images_without_mask.empty() &&
           part.masks_without_image.empty();
  });
}

bool FolderAudit::empty() const {
  return std::all_of(parts.begin(), parts.end(), [](const PartAudit& part) { return part.usable.empty(); });
}

FolderAudit audit_folder(const fs::path& folder, const AuditOptions& options) {
  FolderAudit audit{.names = options.names};
  for (const char* part : {"train", "val"})
    if (fs::is_directory(folder / part)) audit.parts.push_back(audit_part(folder, part, options));
  if (audit.parts.empty()) audit.parts.push_back(audit_part(folder, "", options));
  for (const PartAudit& part : audit.parts) audit.counts.add(part.counts);
  if (options.encoding.empty()) {
    audit.advice = advise(audit.counts);
  } else {
    audit.by_colors = !options.encoding.colors.empty();
    audit.advice.classes = classes_of(options.encoding);
    audit.advice.color_map = options.color_map.string();
  }
  for (PartAudit& part : audit.parts) list_empty_masks(part, audit.advice.ignore_index);
  if (audit.advice.classes > 1) audit.class_pixels = class_pixels_of(audit.parts[0], audit.advice);
  return audit;
}

}  // namespace tessera
