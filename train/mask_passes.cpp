#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>
#include <tessera/train/class_weights.hpp>
#include <tessera/train/mask_passes.hpp>
#include <tessera/train/pass_progress.hpp>
#include <tessera/train/remembered.hpp>

namespace tessera {

std::string labels_text(const Labels& labels) {
  return fmt::format("{} classes (ignored {}, values {}, colours {})", labels.classes, labels.ignore_index,
                     labels.encoding.values, labels.encoding.colors);
}

MaskValues counted_mask_values(const std::vector<std::filesystem::path>& masks) {
  const std::string text = remembered(masks, "mask values and their borders", [&] {
    PassProgress progress("classes: masks counted", static_cast<std::int64_t>(masks.size()), stderr);
    std::string lines;
    for (const auto& [value, count] : count_mask_values(masks, [&] { progress.advance(); }))
      lines += fmt::format("{} {} {} {}\n", value, count.pixels, count.masks, count.between);
    return lines;
  });
  MaskValues values;
  std::istringstream lines(text);
  std::int32_t value = 0;
  for (MaskValue count; lines >> value >> count.pixels >> count.masks >> count.between;) values[value] = count;
  return values;
}

std::string counted_class_weights(const std::string& spec, const Dataset& data) {
  const auto count = [&] {
    PassProgress progress("class weights: masks counted", data.size(), stderr);
    return to_spec(class_weights_from_spec(spec, data, [&] { progress.advance(); }));
  };
  const auto* folder = dynamic_cast<const FolderDataset*>(&data);
  if (folder == nullptr || find_counted_weights(spec) == nullptr) return count();
  std::vector<std::filesystem::path> masks;
  for (const FolderDataset::Pair& pair : folder->pairs()) masks.push_back(pair.mask);
  return remembered(masks, fmt::format("{} weights of {}", spec, labels_text(data.labels())), count);
}

}  // namespace tessera
