#include <cctype>
#include <tessera/core/error.hpp>
#include <tessera/data/image_codec.hpp>

namespace tessera {
namespace {

using namespace image_codec;

class PnmReader {
 public:
  explicit PnmReader(const std::filesystem::path& path) : path_(path), file_(open_for_reading(path)) {}

  Image read(ImageUse use) {
    std::fgetc(file_.get());  // P
    const int kind = std::fgetc(file_.get()) - '0';
    const bool bitmap = kind == 1 || kind == 4, plain = kind <= 3;
    const std::int64_t width = number("width"), height = number("height");
    check_size(path_, width, height);
    const std::int64_t maximum = bitmap ? 1 : number("largest value");
    if (maximum < 1 || maximum > 65535)
      fail(path_, fmt::format("the largest value of a PNM file is 1 to 65535, not {}", maximum));
    if (!plain) std::fgetc(file_.get());  // the one blank before the samples

    const Layout layout{height, width, kind == 3 || kind == 6 ? 3 : 1, maximum > 255 ? 16 : 8};
    const std::int64_t row = width * layout.channels;
    const std::int64_t least = kind == 4 ? (row + 7) / 8 : plain ? row : row * layout.bits / 8;
    if (least * height > static_cast<std::int64_t>(std::filesystem::file_size(path_)))
      fail(path_, fmt::format("not a whole PNM file: it is too short for {} x {} pixels", width, height));

    Tensor pixels = Tensor::empty({height, width, layout.channels}, i32);
    auto* out = pixels.mutable_data<std::int32_t>();
    for (std::int64_t y = 0; y < height; ++y, out += row) {
      if (kind == 4)
        read_bits(out, row);
      else
        for (std::int64_t i = 0; i < row; ++i) out[i] = plain ? plain_sample(bitmap) : sample(layout.bits);
      for (std::int64_t i = 0; i < row; ++i) out[i] = meaning(out[i], maximum, bitmap, use);
    }
    return {layout.bits == 8 ? pixels.to(u8) : pixels, layout.bits, {}};
  }

 private:
  int byte() {
    const int value = std::fgetc(file_.get());
    if (value == EOF) fail(path_, "not a whole PNM file: it is cut short");
    return value;
  }

  /// Skips blanks and comments, and returns the byte after them.
  int next() {
    int value = byte();
    while (std::isspace(value) || value == '#') {
      if (value == '#')
        while (value != '\n') value = byte();
      value = byte();
    }
    return value;
  }

  std::int32_t number(std::string_view what) {
    std::int64_t value = 0;
    int digit = next();
    if (!std::isdigit(digit)) fail(path_, fmt::format("not a PNM file: expected a number as its {}", what));
    for (; digit != EOF && std::isdigit(digit); digit = std::fgetc(file_.get())) {
      value = value * 10 + (digit - '0');
      if (value > 0x7FFFFFFF) fail(path_, fmt::format("not a PNM file: its {} is too large", what));
    }
    std::ungetc(digit, file_.get());
    return static_cast<std::int32_t>(value);
  }

  /// Digits of a plain bitmap need no blanks between them.
  std::int32_t plain_sample(bool bitmap) { return bitmap ? next() - '0' : number("sample"); }

  std::int32_t sample(int bits) {
    const int high = byte();
    return bits == 8 ? high : high << 8 | byte();
  }

  void read_bits(std::int32_t* out, std::int64_t count) {
    int bits = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % 8 == 0) bits = byte();
      out[i] = bits >> (7 - i % 8) & 1;
    }
  }

  std::int32_t meaning(std::int32_t value, std::int64_t maximum, bool bitmap, ImageUse use) const {
    if (value < 0 || value > maximum)
      fail(path_, fmt::format("the sample {} lies beyond the largest value {}", value, maximum));
    if (use == ImageUse::labels) return value;
    if (bitmap) return value == 0 ? 255 : 0;  // a bitmap's 1 is black
    const std::int64_t full = maximum > 255 ? 65535 : 255;
    return static_cast<std::int32_t>((value * full + maximum / 2) / maximum);
  }

  const std::filesystem::path& path_;
  File file_;
};

}  // namespace

Image image_codec::read_pnm(const std::filesystem::path& path, ImageUse use) { return PnmReader(path).read(use); }

void write_pnm(const std::filesystem::path& path, const Tensor& pixels) {
  const Layout layout = layout_of(path, pixels);
  if (layout.channels != 1 && layout.channels != 3)
    throw ValueError(fmt::format("{}: a PNM file has 1 or 3 channels, got {}", path.string(), layout.channels));
  const std::vector<std::uint8_t> bytes = file_bytes(path, pixels);
  const std::string header = fmt::format("P{}\n{} {}\n{}\n", layout.channels == 1 ? 5 : 6, layout.width, layout.height,
                                         layout.bits == 8 ? 255 : 65535);
  OutputFile file(path);
  std::fwrite(header.data(), 1, header.size(), file.get());
  std::fwrite(bytes.data(), 1, bytes.size(), file.get());
  file.finish();
}

}  // namespace tessera
