#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include <jerror.h>

#include <array>
#include <tessera/core/error.hpp>
#include <tessera/data/exif.hpp>
#include <tessera/data/image_codec.hpp>

namespace tessera {
namespace {

using namespace image_codec;

constexpr int exif_marker = JPEG_APP0 + 1;

struct ErrorManager : jpeg_error_mgr {
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message{};
};

[[noreturn]] void keep_message(j_common_ptr jpeg) {
  auto* errors = static_cast<ErrorManager*>(jpeg->err);
  errors->format_message(jpeg, errors->message.data());
  std::longjmp(errors->jump, 1);
}

/// The library fills in grey where a file is cut short or damaged, and only warns; to us that is an error.
void warnings_are_errors(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) keep_message(jpeg);
}

/// Runs calls into libjpeg, which reports an error by a jump back to here: neither this frame nor `calls` may hold
/// anything that needs destruction.
template <class Calls>
bool succeeds(ErrorManager& errors, const Calls& calls) {
  if (setjmp(errors.jump)) return false;
  calls();
  return true;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(open_for_reading(path)) {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = keep_message;
    errors_.emit_message = warnings_are_errors;
  }
  ~Reader() { jpeg_destroy_decompress(&jpeg_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::int64_t channels() {
    read_header();
    return jpeg_.num_components;
  }

  Image read() {
    read_header();
    const int orientation = orientation_of_file();
    jpeg_.out_color_space = jpeg_.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    check(succeeds(errors_, [&] { jpeg_start_decompress(&jpeg_); }));

    const Layout layout{jpeg_.output_height, jpeg_.output_width, jpeg_.output_components, 8};
    const auto row_bytes = static_cast<std::size_t>(layout.width * layout.channels);
    std::vector<std::uint8_t> bytes(row_bytes * static_cast<std::size_t>(layout.height));
    check(succeeds(errors_, [&] {
      while (jpeg_.output_scanline < jpeg_.output_height) {
        JSAMPROW row = bytes.data() + jpeg_.output_scanline * row_bytes;
        jpeg_read_scanlines(&jpeg_, &row, 1);
      }
      jpeg_finish_decompress(&jpeg_);
    }));
    return {upright(pixels_of(bytes, layout), orientation), 8, {}};
  }

 private:
  void read_header() {
    check(succeeds(errors_, [&] {
      jpeg_create_decompress(&jpeg_);
      jpeg_stdio_src(&jpeg_, file_.get());
      jpeg_save_markers(&jpeg_, exif_marker, 0xFFFF);
      jpeg_read_header(&jpeg_, TRUE);
    }));
    check_size(path_, jpeg_.image_width, jpeg_.image_height);
    if (jpeg_.num_components != 1 && jpeg_.num_components != 3)
      fail(path_, fmt::format("a JPEG of {} channels (CMYK) is not read: save it as RGB", jpeg_.num_components));
  }

  int orientation_of_file() const {
    for (const jpeg_marker_struct* marker = jpeg_.marker_list; marker != nullptr; marker = marker->next)
      if (const int orientation = exif_orientation({marker->data, marker->data_length}); orientation != 1)
        return orientation;
    return 1;
  }

  void check(bool success) const {
    if (!success) fail(path_, fmt::format("not a whole JPEG file: {}", errors_.message.data()));
  }

  const std::filesystem::path& path_;
  File file_;
  ErrorManager errors_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

std::int64_t image_codec::jpeg_channels(const std::filesystem::path& path) { return Reader(path).channels(); }

Image image_codec::read_jpeg(const std::filesystem::path& path) { return Reader(path).read(); }

}  // namespace tessera
