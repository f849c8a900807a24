#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/random.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/data/misfit.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  // The last ones cannot be read: that is better said than to pass them over.
  constexpr std::array<std::string_view, 13> known{".png", ".jpg", ".jpeg", ".pnm",  ".pbm", ".pgm", ".ppm",
                                                   ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2"};
  return path.filename().string()[0] != '.' && std::find(known.begin(), known.end(), extension) != known.end();
}

/// Stops at files of `these` that have no partner of the same stem among `others`; both are sorted.
void check_partners(const std::vector<fs::path>& these, const std::vector<fs::path>& others, const fs::path& folder,
                    std::string_view partner) {
  const auto by_stem = [](const fs::path& a, const fs::path& b) { return a.stem().native() < b.stem().native(); };
  std::vector<fs::path> alone;
  std::set_difference(these.begin(), these.end(), others.begin(), others.end(), std::back_inserter(alone), by_stem);
  if (alone.empty()) return;
  const std::string more = alone.size() > 1 ? fmt::format(", nor have {} other files", alone.size() - 1) : "";
  throw IoError(
      fmt::format("{} has no {} {}.*{}", alone[0].string(), partner, (folder / alone[0].stem()).string(), more));
}

/// Keeps a fifth of the pairs, those whose stems draw the smallest numbers, or all others.
void keep_part(std::vector<FolderDataset::Pair>& pairs, bool val, const fs::path& folder) {
  if (pairs.size() < 2)
    throw IoError(fmt::format("{}: expected two images or more, one of them to validate on, got {}", folder.string(),
                              pairs.size()));
  std::vector<std::pair<std::uint32_t, std::size_t>> order;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    order.emplace_back(RandomStream(0, stream_of(pairs[i].stem)).bits(0), i);
  std::sort(order.begin(), order.end());
  const std::size_t kept = std::max<std::size_t>(pairs.size() / 5, 1);
  std::vector<bool> validates(pairs.size());
  for (std::size_t k = 0; k < kept; ++k) validates[order[k].second] = true;
  std::vector<FolderDataset::Pair> part;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (validates[i] == val) part.push_back(std::move(pairs[i]));
  pairs = std::move(part);
}

}  // namespace

bool is_plain(const fs::path& folder) {
  return fs::is_directory(folder / "images") && fs::is_directory(folder / "masks") &&
         !fs::is_directory(folder / "train") && !fs::is_directory(folder / "val");
}

std::string expected_layout(const fs::path& folder) {
  return fmt::format("{0}/{{train,val}}/{{images,masks}}, or images and masks in {0} itself", folder.string());
}

std::vector<fs::path> images_in(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw IoError(fmt::format("{}: cannot open the folder: {}", folder.string(), error.message()));
  // Stems are taken once: taken anew in every comparison, they would cost 100,000 files a second.
  std::vector<std::pair<std::string, std::string>> by_stem;
  for (const fs::directory_entry& entry : entries)
    if (is_image_name(entry.path())) by_stem.emplace_back(entry.path().stem().native(), entry.path().native());
  std::sort(by_stem.begin(), by_stem.end());
  std::vector<fs::path> files;
  for (auto& entry : by_stem) files.emplace_back(std::move(entry.second));
  return files;
}

std::vector<fs::path> image_files(const fs::path& folder) {
  std::vector<fs::path> files = images_in(folder);
  const auto twice = std::adjacent_find(files.begin(), files.end(),
                                        [](const fs::path& a, const fs::path& b) { return a.stem() == b.stem(); });
  if (twice != files.end())
    throw IoError(fmt::format("{} and {} have the same stem: expected one of them", twice->string(),
                              (twice + 1)->filename().string()));
  return files;
}

std::int64_t channels_of(const std::vector<fs::path>& images) {
  std::vector<std::int64_t> channels(images.size());
  parallel_for(static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      channels[at] = channels_in(images[at]);
    } catch (const IoError&) {  // reported by the `get` that comes to it
    }
  });
  std::erase(channels, 0);
  if (channels.empty()) return channels_in(images.at(0));  // throws what is wrong
  const bool colored = *std::max_element(channels.begin(), channels.end()) >= 3, alpha = channels[0] % 2 == 0;
  return (colored ? 3 : 1) + (alpha ? 1 : 0);
}

Tensor read_picture(const fs::path& path, std::int64_t channels) {
  const Image image = read_image(path);
  Tensor pixels;
  try {
    pixels = with_channels(image, channels > 0 ? channels : image.pixels.size(2));
  } catch (const ValueError& error) {
    throw MisfitError(fmt::format("{}: {}", path.string(), error.what()));
  }
  Tensor picture = Tensor::empty(pixels.shape());
  const float full = image.bits == 8 ? 255 : 65535;
  dispatch_all(pixels.dtype(), [&](auto zero) {
    float* out = picture.mutable_data<float>();
    for (const auto value : pixels.span<decltype(zero)>()) *out++ = static_cast<float>(value) / full;
  });
  return picture;
}

FolderDataset::FolderDataset(const fs::path& folder, const std::string& split, FolderOptions options)
    : channels_(options.channels),
      labels_{options.classes, options.ignore_index, std::move(options.names), std::move(options.encoding)},
      trained_(options.trained) {
  const bool whole = (split.empty() || !fs::is_directory(folder / split)) && is_plain(folder);
  const fs::path part = whole ? folder : folder / split, images = part / "images", masks = part / "masks";
  if (!fs::is_directory(images) || !fs::is_directory(masks))
    throw IoError(fmt::format("{}: no such folder; expected {}", (fs::is_directory(images) ? masks : images).string(),
                              expected_layout(folder)));
  if (whole && !split.empty() && split != "train" && split != "val")
    throw IoError(fmt::format("{}: holds images/ and masks/ itself, whose parts are train and val; there is no {}",
                              folder.string(), split));
  const std::vector<fs::path> image_paths = image_files(images), mask_paths = image_files(masks);
  if (image_paths.empty()) throw IoError(fmt::format("{}: holds no PNG, JPEG or PNM file", images.string()));
  check_partners(image_paths, mask_paths, masks, "mask");
  check_partners(mask_paths, image_paths, images, "image");

  for (std::size_t i = 0; i < image_paths.size(); ++i)
    pairs_.push_back({image_paths[i].stem().string(), image_paths[i], mask_paths[i]});
  if (whole && !split.empty()) keep_part(pairs_, split == "val", folder);
  if (channels_ == 0) channels_ = channels_of(image_paths);
  if (labels_.classes == 0 && labels_.encoding.empty()) {
    // Of a folder that is split here all masks count: a class may be in the other part alone.
    const MaskValues values = options.count_values ? options.count_values(mask_paths) : count_mask_values(mask_paths);
    if (is_black_and_white(values, labels_.ignore_index)) {
      labels_.encoding = encoding_of({0, 255}, labels_.ignore_index);
    } else {
      labels_.classes = classes_of(values, labels_.ignore_index, masks.string());
      if (is_counted_from_1(values, labels_.ignore_index)) {
        std::vector<std::int32_t> from_1(static_cast<std::size_t>(--labels_.classes));
        std::iota(from_1.begin(), from_1.end(), 1);
        labels_.encoding = encoding_of(from_1, labels_.ignore_index);
      }
    }
  }
  if (labels_.classes == 0) labels_.classes = classes_of(labels_.encoding);
  if (!labels_.encoding.values.empty()) labels_.ignore_index = no_label;
}

Sample FolderDataset::get(std::int64_t index) const {
  const Pair& pair = pairs_.at(static_cast<std::size_t>(index));
  Sample sample{read_picture(pair.image, channels_), mask(index), pair.stem};
  if (sample.image.size(0) != sample.mask.size(0) || sample.image.size(1) != sample.mask.size(1))
    throw MisfitError(fmt::format("{} is {} x {} pixels, but its mask {} is {} x {}", pair.image.string(),
                                  sample.image.size(1), sample.image.size(0), pair.mask.string(), sample.mask.size(1),
                                  sample.mask.size(0)));
  return sample;
}

Tensor FolderDataset::mask(std::int64_t index) const {
  const fs::path& path = pairs_.at(static_cast<std::size_t>(index)).mask;
  Tensor mask = read_mask(path, labels_.encoding);
  if (!labels_.encoding.colors.empty() && labels_.ignore_index != no_label) {
    // Colours named void and the ignored value are one label.
    auto* label = mask.mutable_data<std::int32_t>();
    std::replace(label, label + mask.numel(), no_label, labels_.ignore_index);
  }
  check_mask(mask, labels_, path, trained_);
  return mask;
}

}  // namespace tessera
