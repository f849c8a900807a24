#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <tessera/core/error.hpp>
#include <tessera/interop/atomic_file.hpp>

namespace tessera {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view action) {
  throw IoError(fmt::format("{}: cannot {}: {}", path.string(), action, std::strerror(errno)));
}

/// What a symbolic link stands for, through links to links.
std::filesystem::path followed(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links) {
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;  // the target itself where it begins at the root
  }
  return path;
}

/// A device or a pipe, which nothing can be put in the place of.
bool takes_bytes_at_once(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
         !std::filesystem::is_directory(status);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(followed(std::move(path))) {
  if (takes_bytes_at_once(path_)) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(path_, "open it");
    return;
  }
  // A file of this name may be left over from a process that was killed, so the first free number is taken.
  for (int number = 0; descriptor_ < 0; ++number) {
    temporary_ = path_;
    temporary_ += fmt::format(".{}-{}.tmp", getpid(), number);
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail(path_, "create a file in its folder");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, from, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, fmt::format("write {} bytes", count));
    from += written;
    count -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (temporary_.empty()) {
    close(descriptor_);
    descriptor_ = -1;
    return;
  }
  if (fsync(descriptor_) != 0) fail(path_, "sync the new content to disk");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "put the new file in place");
  close(descriptor_);
  descriptor_ = -1;
  // The rename itself survives a power cut only once the folder is on disk too; the file is whole either way.
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  if (const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
    fsync(opened);
    close(opened);
  }
}

void write_whole(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace tessera
