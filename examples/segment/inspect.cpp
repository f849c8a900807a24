#include <fmt/format.h>

#include <tessera/train/audit.hpp>

#include "commands.hpp"

namespace segment {

using namespace tessera;

void inspect(const std::filesystem::path& folder) {
  std::vector<PartAudit> parts;
  checked([&] {
    for (const char* part : {"train", "val"})
      if (std::filesystem::is_directory(folder / part)) parts.push_back(audit_part(folder / part));
    if (parts.empty()) parts.push_back(audit_part(folder));
  });

  std::map<std::int32_t, MaskValue> values;
  bool sound = true;
  for (const PartAudit& part : parts) {
    fmt::print("{}\n", to_text(part));
    sound = sound && part.problems.empty() && part.images_without_mask.empty() && part.masks_without_image.empty();
    for (const auto& [value, count] : part.values) {
      values[value].pixels += count.pixels;
      values[value].masks += count.masks;
    }
  }
  const MaskAdvice advice = advise(values);
  for (const std::string& remark : advice.remarks) fmt::print("note: {}\n", remark);
  if (advice.classes > 0) {
    fmt::print("suggested: --classes {}", advice.classes);
    if (advice.ignore_index >= 0) fmt::print(" --ignore-index {}", advice.ignore_index);
    fmt::print("\n");
  }
  if (!sound) fmt::print("some files cannot be used for training; they are listed above\n");
}

}  // namespace segment
