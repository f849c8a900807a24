#include <algorithm>
#include <set>
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

/// The image files of a part's folder by stem; the audit gets those that share a stem, and what else is there.
std::map<std::string, fs::path> files_of(const fs::path& folder, PartAudit& audit) {
  std::map<std::string, fs::path> files;
  std::set<fs::path> taken;
  for (const fs::path& path : images_in(folder)) {
    taken.insert(path);
    const auto [other, added] = files.emplace(path.stem().string(), path);
    if (!added)
      audit.problems.push_back(fmt::format("{}: has the stem of {}", path.string(), other->second.filename().string()));
  }
  std::set<std::string> others;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (const std::string name = entry.path().filename().string(); !taken.contains(entry.path()) && name[0] != '.')
      others.insert(name);
  for (const std::string& name : others) audit.passed_over.push_back((fs::path(folder.filename()) / name).string());
  return files;
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
    pair.counts.colors = colors_of(raw.pixels);
  else
    pair.counts.values = values_of(read_mask(path, encoding));
}

PairAudit audit_pair(const FolderDataset::Pair& files, const MaskEncoding& encoding, std::int64_t channels) {
  PairAudit pair;
  try {
    const Tensor image = read_image(files.image).pixels;
    pair.size = {image.size(0), image.size(1), image.size(2)};
    if (channels > 0 && pair.size[2] != channels)
      read_picture(files.image, channels);  // whose error says what cannot be converted
    count_mask(files.mask, encoding, pair);
  } catch (const Error& error) {
    pair.problem = error.what();
  }
  return pair;
}

/// What the folders images and masks of `folder` hold; each image is to have these channels, or 0: its own.
PartAudit audit_part(const fs::path& folder, const AuditOptions& options, std::int64_t channels) {
  PartAudit audit{.folder = folder};
  const std::map<std::string, fs::path> images = files_of(folder / "images", audit);
  const std::map<std::string, fs::path> masks = files_of(folder / "masks", audit);
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
    audits[at] = audit_pair(pairs[at], options.encoding, channels);
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

/// The channels that training takes, by the images of its part; 0 where none can be read.
std::int64_t trained_channels(const fs::path& part) {
  const std::vector<fs::path> images = images_in(part / "images");
  try {
    return images.empty() ? 0 : channels_of(images);
  } catch (const IoError&) {  // each file's own audit says so
    return 0;
  }
}

/// The folder's parts, or the folder itself.
std::vector<fs::path> parts_of(const fs::path& folder) {
  std::vector<fs::path> parts;
  for (const char* part : {"train", "val"})
    if (fs::is_directory(folder / part)) parts.push_back(folder / part);
  if (parts.empty()) parts.push_back(folder);
  for (const fs::path& part : parts)
    for (const char* kind : {"images", "masks"})
      if (!fs::is_directory(part / kind))
        throw IoError(fmt::format("{}: no such folder; expected {}", (part / kind).string(), expected_layout(folder)));
  return parts;
}

/// What training misses in a folder of these parts.
std::vector<std::string> missing_in(const fs::path& folder, const std::vector<PartAudit>& parts) {
  if (parts.size() == 2) return {};
  if (parts[0].folder != folder) {
    const fs::path other = folder / (parts[0].folder == folder / "train" ? "val" : "train");
    return {fmt::format("{}: no such folder; expected {}", other.string(), expected_layout(folder))};
  }
  if (parts[0].pairs != 1) return {};
  return {fmt::format("{}: expected two images or more, one of them to validate on, got 1", folder.string())};
}

/// What a colour map leaves open: the values of grey masks that are none of its classes.
void advise_beyond_map(FolderAudit& audit) {
  std::vector<std::int32_t> beyond;
  for (const auto& [value, count] : audit.counts.values)
    if (value >= audit.advice.classes) beyond.push_back(value);
  if (beyond.size() == 1) {
    audit.advice.ignore_index = beyond[0];
    audit.advice.remarks.push_back(fmt::format("{} is no class of the colour map: is it to be ignored?", beyond[0]));
  } else if (!beyond.empty()) {
    audit.problems.push_back(fmt::format("{} values of the masks, from {} on, lie beyond the {} classes of {}",
                                         beyond.size(), beyond[0], audit.advice.classes, audit.advice.color_map));
  }
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
  const bool whole = problems.empty() && !advice.options().empty();
  return whole && std::all_of(parts.begin(), parts.end(), [](const PartAudit& part) {
           return part.pairs > 0 && part.problems.empty() && part.images_without_mask.empty() &&
                  part.masks_without_image.empty();
         });
}

bool FolderAudit::empty() const {
  return std::all_of(parts.begin(), parts.end(), [](const PartAudit& part) { return part.usable.empty(); });
}

FolderAudit audit_folder(const fs::path& folder, const AuditOptions& options) {
  FolderAudit audit{.names = options.names};
  const std::vector<fs::path> parts = parts_of(folder);
  const std::int64_t channels = trained_channels(parts[0]);
  for (const fs::path& part : parts) audit.parts.push_back(audit_part(part, options, channels));
  audit.problems = missing_in(folder, audit.parts);
  for (const PartAudit& part : audit.parts) audit.counts.add(part.counts);
  if (options.encoding.empty()) {
    audit.advice = advise(audit.counts);
  } else {
    audit.by_colors = !options.encoding.colors.empty();
    audit.advice.classes = classes_of(options.encoding);
    audit.advice.color_map = options.color_map.string();
    advise_beyond_map(audit);
  }
  for (PartAudit& part : audit.parts) list_empty_masks(part, audit.advice.ignore_index);
  if (audit.advice.classes > 1) audit.class_pixels = class_pixels_of(audit.parts[0], audit.advice);
  return audit;
}

}  // namespace tessera
