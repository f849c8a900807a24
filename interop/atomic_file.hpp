#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace tessera {

/// A file that appears whole or not at all: written beside `path`, then synced and renamed over it by commit().
///
/// Until then, and for good when anything fails, an earlier file at `path` stays as it was and nothing else is left
/// behind. Every failure is an IoError that names the file and the system's reason. A symbolic link stays, and what it
/// points at is replaced; a device or a pipe is written to as it is.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t count);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;  ///< empty for a device or a pipe
  int descriptor_ = -1;
};

/// A file that holds `bytes`, in one go.
void write_whole(const std::filesystem::path& path, std::string_view bytes);

}  // namespace tessera
