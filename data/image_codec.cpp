#include <cerrno>
#include <cstring>
#include <system_error>
#include <tessera/core/error.hpp>
#include <tessera/data/image_codec.hpp>

namespace tessera::image_codec {

void fail(const std::filesystem::path& path, std::string_view what) {
  throw IoError(fmt::format("{}: {}", path.string(), what));
}

File open_for_reading(const std::filesystem::path& path) {
  File file(std::fopen(path.c_str(), "rbe"));
  if (!file) fail(path, fmt::format("cannot open: {}", std::strerror(errno)));
  return file;
}

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "wbe")) {
  if (!file_) fail(path, fmt::format("cannot write: {}", std::strerror(errno)));
}

OutputFile::~OutputFile() {
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void OutputFile::finish() {
  if (std::fflush(get()) != 0 || std::ferror(get()) != 0)
    fail(path_, fmt::format("cannot write: {}", std::strerror(errno)));
  file_.reset();
}

void check_size(const std::filesystem::path& path, std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1) fail(path, fmt::format("an image of {} x {} pixels is empty", width, height));
  if (width > max_image_pixels / height)
    fail(path, fmt::format("{} x {} pixels are beyond the limit of {} pixels", width, height, max_image_pixels));
}

Layout layout_of(const std::filesystem::path& path, const Tensor& pixels) {
  const Shape& shape = pixels.shape();
  const bool is_image =
      (shape.rank() == 2 || (shape.rank() == 3 && shape[2] >= 1 && shape[2] <= 4)) && shape.numel() > 0;
  if (!is_image || is_float(pixels.dtype()))
    throw ValueError(fmt::format("{}: expected u8 or i32 pixels [H, W] or [H, W, 1 to 4], got {} {}", path.string(),
                                 name_of(pixels.dtype()), shape.str()));
  return {shape[0], shape[1], shape.rank() == 3 ? shape[2] : 1, pixels.dtype() == u8 ? 8 : 16};
}

std::vector<std::uint8_t> file_bytes(const std::filesystem::path& path, const Tensor& pixels) {
  if (pixels.dtype() == u8) return {pixels.data<std::uint8_t>(), pixels.data<std::uint8_t>() + pixels.numel()};
  std::vector<std::uint8_t> bytes;
  bytes.reserve(static_cast<std::size_t>(pixels.numel()) * 2);
  for (const std::int32_t value : pixels.span<std::int32_t>()) {
    if (value < 0 || value > 65535)
      throw ValueError(fmt::format("{}: a 16-bit image holds 0 to 65535, got the value {}", path.string(), value));
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value & 255));
  }
  return bytes;
}

Tensor pixels_of(const std::vector<std::uint8_t>& bytes, const Layout& layout) {
  const Shape shape{layout.height, layout.width, layout.channels};
  if (layout.bits == 8) return Tensor::from(bytes, shape);
  Tensor pixels = Tensor::empty(shape, i32);
  auto* out = pixels.mutable_data<std::int32_t>();
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) out[i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
  return pixels;
}

}  // namespace tessera::image_codec
