#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
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

constexpr std::size_t many_files = 1000;
constexpr std::chrono::milliseconds long_time{500};

/// Empty where there is none.
fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0)
    return fs::path(cache) / "tessera";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    return fs::path(home) / ".cache" / "tessera";
  return {};
}

/// What a file's name, size and times are made of. That of the last change of its entry is there because no program
/// can set it: copies that keep the times of what they were copied from differ in it.
std::string state_of(const fs::path& file) {
  struct stat state {};
  if (stat(file.c_str(), &state) != 0) return file.string();
  return fmt::format("{} {} {}.{} {}.{}", file.string(), state.st_size, state.st_mtim.tv_sec, state.st_mtim.tv_nsec,
                     state.st_ctim.tv_sec, state.st_ctim.tv_nsec);
}

/// A line that other files, other questions and changed files do not share.
std::string key_of(const std::vector<fs::path>& files, const std::string& question) {
  std::uint64_t states = 0;
  for (const fs::path& file : files) states = states * 31 + stream_of(state_of(file));
  return fmt::format("{} of {} files, {:016x}, in {}", question, files.size(), states,
                     fs::absolute(files[0].parent_path()).string());
}

}  // namespace

std::string remembered(const std::vector<fs::path>& files, const std::string& question,
                       const std::function<std::string()>& work) {
  const fs::path folder = cache_folder();
  if (files.empty() || folder.empty()) return work();
  const std::string key = key_of(files, question) + '\n';
  const fs::path file = folder / fmt::format("{:016x}", stream_of(key));
  std::ifstream kept(file);
  const std::string text{std::istreambuf_iterator<char>(kept), {}};
  if (text.starts_with(key)) return text.substr(key.size());

  const auto began = std::chrono::steady_clock::now();
  std::string answer = work();
  if (files.size() < many_files && std::chrono::steady_clock::now() - began < long_time) return answer;
  try {
    std::error_code error;
    fs::create_directories(folder, error);
    write_whole(file, key + answer);
  } catch (const IoError&) {  // found again the next time
  }
  return answer;
}

}  // namespace tessera
