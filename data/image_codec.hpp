#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <tessera/data/image.hpp>

/// What the readers and writers of single image formats share.
namespace tessera::image_codec {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Opens a file for reading ("rb"); IoError with the system's reason.
File open_for_reading(const std::filesystem::path& path);

/// A file for writing that is removed again unless `finish` is called.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  std::FILE* get() const { return file_.get(); }
  void finish();

 private:
  std::filesystem::path path_;
  File file_;
};

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what);

/// IoError unless an image of this size is within max_image_pixels.
void check_size(const std::filesystem::path& path, std::int64_t width, std::int64_t height);

/// Height, width, channels and bits of pixels to be written.
struct Layout {
  std::int64_t height, width, channels;
  int bits;
};
/// ValueError names the file unless the pixels can be an image.
Layout layout_of(const std::filesystem::path& path, const Tensor& pixels);

/// The samples row by row as files hold them: a byte each, or two with the high one first.
std::vector<std::uint8_t> file_bytes(const std::filesystem::path& path, const Tensor& pixels);
/// The reverse: `bytes` as pixels [height, width, channels].
Tensor pixels_of(const std::vector<std::uint8_t>& bytes, const Layout& layout);

/// Channels of the picture that a PNG or JPEG file holds, from its header alone.
std::int64_t png_channels(const std::filesystem::path& path);
std::int64_t jpeg_channels(const std::filesystem::path& path);

Image read_png(const std::filesystem::path& path, ImageUse use);
Image read_jpeg(const std::filesystem::path& path);
Image read_pnm(const std::filesystem::path& path, ImageUse use);

}  // namespace tessera::image_codec
