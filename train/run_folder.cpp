#include <fmt/format.h>

#include <array>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/run_folder.hpp>

namespace tessera {

namespace fs = std::filesystem;

namespace {

/// What a run writes; the last one, by which a run is known, is moved last.
constexpr std::array<const char*, 6> parts_of_a_run{"options.toml", "history.jsonl",    "report.html",
                                                    "pictures",     "best.safetensors", "last.safetensors"};

}  // namespace

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
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const fs::path aside = new_folder((whole.has_filename() ? whole : whole.parent_path()).string() + '.');
  std::error_code error;
  fs::create_directory(aside, error);
  // The folder itself stays: it may be the one that the user is in, or hold the data.
  for (const char* part : parts_of_a_run)
    if (!error && fs::exists(folder / part)) fs::rename(folder / part, aside / part, error);
  if (error)
    throw IoError(fmt::format("{}: holds a run, which cannot be moved to {}: {}", folder.string(), aside.string(),
                              error.message()));
  return aside;
}

}  // namespace tessera
