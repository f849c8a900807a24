#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>

#include "tests/support/temporary_folder.hpp"

namespace tessera::test {

/// Has answers kept in a folder of the test's own.
class CacheFolder {
 public:
  CacheFolder() { setenv("XDG_CACHE_HOME", std::filesystem::path(folder_ / "cache").c_str(), 1); }
  ~CacheFolder() { setenv("XDG_CACHE_HOME", nowhere, 1); }
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::int64_t kept() const {
    const std::filesystem::path cache = folder_ / "cache/tessera";
    return std::filesystem::exists(cache) ? std::distance(std::filesystem::directory_iterator(cache), {}) : 0;
  }

  /// The one file that is kept.
  std::filesystem::path file() const { return std::filesystem::directory_iterator(folder_ / "cache/tessera")->path(); }

  /// As XDG_CACHE_HOME it has nothing kept.
  static constexpr const char* nowhere = "/dev/null";

 private:
  TemporaryFolder folder_;
};

}  // namespace tessera::test
