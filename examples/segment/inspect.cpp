#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/audit.hpp>
#include <tessera/train/contact_sheet.hpp>
#include <tessera/train/pass_progress.hpp>

#include "commands.hpp"

namespace segment {

using namespace tessera;

bool inspect(const InspectOptions& options) {
  const ColorMap map =
      options.color_map.empty() ? ColorMap() : checked([&] { return read_color_map(options.color_map); });
  std::unique_ptr<PassProgress> progress;
  const FolderAudit audit = checked([&] {
    return audit_folder(
        options.folder,
        {.color_map = options.color_map,
         .names = map.names,
         .encoding = map.encoding,
         .begin = [&](std::int64_t pairs) { progress = std::make_unique<PassProgress>("images read", pairs, stderr); },
         .advance = [&] { progress->advance(); }});
  });
  progress.reset();
  fmt::print("{}{}", options.json ? to_json(audit) : to_text(audit), options.json ? "\n" : "");
  std::fflush(stdout);  // before what goes to standard error
  if (audit.empty())
    throw BadInput(
        fmt::format("{}: found no image with a mask that can be used; expected {}, each mask with the file "
                    "stem of its image (cat.jpg and cat.png)",
                    options.folder.string(), expected_layout(options.folder)));
  if (!options.html.empty()) {
    const std::string page = contact_sheet(audit, {.encoding = map.encoding});
    checked([&] { write_whole(options.html, page); });
    if (!options.json) fmt::print("contact sheet: {}\n", options.html.string());
  }
  return audit.sound();
}

}  // namespace segment
