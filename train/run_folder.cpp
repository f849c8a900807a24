#include <fmt/format.h>

#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/run_folder.hpp>

namespace tessera {

namespace fs = std::filesystem;

fs::path new_folder(const std::string& beginning) {
  for (int n = 1;; ++n)
    if (fs::path folder = fmt::format("{}{}", beginning, n); !fs::exists(folder)) return folder;
}

void make_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error && !fs::is_directory(folder))
    throw IoError(fmt::format("{}: cannot make the output folder: {}", folder.string(), error.message()));
  const AtomicFile probe(folder / "last.safetensors");  // never committed, so it leaves nothing behind
}

fs::path keep_earlier_run(const fs::path& folder) {
  if (!fs::exists(folder / "last.safetensors")) return {};
  const fs::path aside = new_folder((folder.has_filename() ? folder : folder.parent_path()).string() + '.');
  std::error_code error;
  fs::rename(folder, aside, error);
  if (error)
    throw IoError(fmt::format("{}: holds a run, which cannot be moved to {}: {}", folder.string(), aside.string(),
                              error.message()));
  make_output_folder(folder);
  return aside;
}

}  // namespace tessera
