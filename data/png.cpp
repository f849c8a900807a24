#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <tessera/core/error.hpp>
#include <tessera/data/image_codec.hpp>

namespace tessera {
namespace {

using namespace image_codec;

using Message = std::array<char, 200>;

void keep_message(png_structp png, png_const_charp text) {
  auto* message = static_cast<Message*>(png_get_error_ptr(png));
  std::snprintf(message->data(), message->size(), "%s", text);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp /*png*/, png_const_charp /*text*/) {}

/// Runs calls into libpng, which reports an error by a jump back to here: neither this frame nor `calls` may hold
/// anything that needs destruction.
template <class Calls>
bool succeeds(png_structp png, const Calls& calls) {
  if (setjmp(png_jmpbuf(png))) return false;
  calls();
  return true;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(open_for_reading(path)) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, keep_message, ignore_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_read_struct(&png_, &info_, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::int64_t channels() {
    read_header(ImageUse::picture);
    return png_get_channels(png_, info_);
  }

  Image read(ImageUse use) {
    const bool indexed = read_header(use);
    const std::int64_t width = png_get_image_width(png_, info_), height = png_get_image_height(png_, info_);
    const Layout layout{height, width, png_get_channels(png_, info_), png_get_bit_depth(png_, info_)};
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    // Deflate packs at most 1032 bytes into one: a small file that promises more is refused before memory is taken for
    // it.
    if (row_bytes * static_cast<std::size_t>(height) / 1032 > std::filesystem::file_size(path_))
      fail(path_, fmt::format("not a whole PNG file: it is too short for {} x {} pixels", width, height));
    std::vector<std::uint8_t> bytes(row_bytes * static_cast<std::size_t>(height));
    std::vector<png_bytep> rows(static_cast<std::size_t>(height));
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = bytes.data() + y * row_bytes;
    check(succeeds(png_, [&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    }));

    Image image{pixels_of(bytes, layout), layout.bits, {}};
    if (indexed && use == ImageUse::labels) image.palette = palette();
    return image;
  }

 private:
  /// Reads all that stands before the pixels, and sets how these are read; returns whether they are of a palette.
  bool read_header(ImageUse use) {
    check(succeeds(png_, [&] {
      // The size is checked below, against our own limit.
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_init_io(png_, file_.get());
      png_read_info(png_, info_);
    }));
    check_size(path_, png_get_image_width(png_, info_), png_get_image_height(png_, info_));
    const bool indexed = png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE;
    check(succeeds(png_, [&] {
      if (use == ImageUse::picture)
        png_set_expand(png_);
      else
        png_set_packing(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    }));
    return indexed;
  }

  void check(bool success) const {
    if (!success) fail(path_, fmt::format("not a whole PNG file: {}", message_.data()));
  }

  std::vector<Rgb> palette() const {
    png_colorp colors = nullptr;
    int count = 0;
    png_get_PLTE(png_, info_, &colors, &count);
    std::vector<Rgb> result;
    for (int i = 0; i < count; ++i) result.push_back({colors[i].red, colors[i].green, colors[i].blue});
    return result;
  }

  const std::filesystem::path& path_;
  File file_;
  Message message_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Takes what libpng writes; what the vector throws must not pass through libpng.
void append(png_structp png, png_bytep bytes, std::size_t count) {
  auto* file = static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(png));
  bool full = false;
  try {
    file->insert(file->end(), bytes, bytes + count);
  } catch (const std::bad_alloc&) {
    full = true;
  }
  if (full) png_error(png, "out of memory");
}

void flush_nothing(png_structp /*png*/) {}

class Writer {
 public:
  explicit Writer(const std::filesystem::path& path) : path_(path) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &message_, keep_message, ignore_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_write_struct(&png_, &info_);
      throw std::bad_alloc();
    }
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// The bytes of the file.
  std::vector<std::uint8_t> write(const std::vector<std::uint8_t>& bytes, const Layout& layout,
                                  const std::vector<png_color>& palette) {
    constexpr std::array color_types{PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                     PNG_COLOR_TYPE_RGB_ALPHA};
    const int color_type =
        palette.empty() ? color_types[static_cast<std::size_t>(layout.channels - 1)] : PNG_COLOR_TYPE_PALETTE;
    const std::size_t row_bytes = bytes.size() / static_cast<std::size_t>(layout.height);
    const bool written = succeeds(png_, [&] {
      png_set_write_fn(png_, &encoded_, append, flush_nothing);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_set_IHDR(png_, info_, static_cast<png_uint_32>(layout.width), static_cast<png_uint_32>(layout.height),
                   layout.bits, color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      if (!palette.empty()) png_set_PLTE(png_, info_, palette.data(), static_cast<int>(palette.size()));
      png_write_info(png_, info_);
      for (std::size_t at = 0; at < bytes.size(); at += row_bytes) png_write_row(png_, bytes.data() + at);
      png_write_end(png_, info_);
    });
    if (!written) fail(path_, fmt::format("cannot write: {}", message_.data()));
    return std::move(encoded_);
  }

 private:
  const std::filesystem::path& path_;
  std::vector<std::uint8_t> encoded_;
  Message message_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

void check_indices(const std::filesystem::path& path, const Tensor& pixels, const std::vector<Rgb>& palette) {
  if (pixels.dtype() != u8 || pixels.rank() != 2 || palette.size() > 256)
    throw ValueError(fmt::format("{}: expected u8 indices [H, W] of at most 256 colours, got {} {} and {}",
                                 path.string(), name_of(pixels.dtype()), pixels.shape().str(), palette.size()));
  for (const std::uint8_t index : pixels.span<std::uint8_t>())
    if (index >= palette.size())
      throw ValueError(fmt::format("{}: the index {} lies beyond the {} colours of the palette", path.string(), index,
                                   palette.size()));
}

std::vector<std::uint8_t> encode(const std::filesystem::path& path, const Tensor& pixels,
                                 const std::vector<Rgb>& palette) {
  const Layout layout = layout_of(path, pixels);
  std::vector<png_color> colors;
  if (!palette.empty()) check_indices(path, pixels, palette);
  for (const Rgb& color : palette) colors.push_back({color[0], color[1], color[2]});
  const std::vector<std::uint8_t> bytes = file_bytes(path, pixels);
  return Writer(path).write(bytes, layout, colors);
}

}  // namespace

std::int64_t image_codec::png_channels(const std::filesystem::path& path) { return Reader(path).channels(); }

Image image_codec::read_png(const std::filesystem::path& path, ImageUse use) { return Reader(path).read(use); }

std::vector<std::uint8_t> encode_png(const Tensor& pixels, const std::vector<Rgb>& palette) {
  return encode("PNG image", pixels, palette);
}

void write_png(const std::filesystem::path& path, const Tensor& pixels, const std::vector<Rgb>& palette) {
  const std::vector<std::uint8_t> bytes = encode(path, pixels, palette);
  OutputFile file(path);
  std::fwrite(bytes.data(), 1, bytes.size(), file.get());
  file.finish();
}

}  // namespace tessera
