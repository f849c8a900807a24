#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/core/random.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/train/remembered.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t worth_keeping = 1000;

/// Empty where there is none.
fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0)
    return fs::path(cache) / "tessera";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    return fs::path(home) / ".cache" / "tessera";
  return {};
}

/// A line that other files, other questions and changed files do not share.
std::string key_of(const std::vector<fs::path>& files, const std::string& question) {
  std::uintmax_t bytes = 0;
  fs::file_time_type newest = fs::file_time_type::min();
  for (const fs::path& file : files) {
    bytes += fs::file_size(file);
    newest = std::max(newest, fs::last_write_time(file));
  }
  return fmt::format("{} of {} files, {} bytes, as of {}, in {}", question, files.size(), bytes,
                     newest.time_since_epoch().count(), fs::absolute(files[0].parent_path()).string());
}

}  // namespace

std::string remembered(const std::vector<fs::path>& files, const std::string& question,
                       const std::function<std::string()>& work) {
  const fs::path folder = cache_folder();
  if (files.size() < worth_keeping || folder.empty()) return work();
  const std::string key = key_of(files, question) + '\n';
  const fs::path file = folder / fmt::format("{:016x}", stream_of(key));
  std::ifstream kept(file);
  const std::string text{std::istreambuf_iterator<char>(kept), {}};
  if (text.starts_with(key)) return text.substr(key.size());

  std::string answer = work();
  try {
    std::error_code error;
    fs::create_directories(folder, error);
    write_whole(file, key + answer);
  } catch (const IoError&) {  // found again the next time
  }
  return answer;
}

}  // namespace tessera
