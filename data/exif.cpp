#include <algorithm>
#include <string_view>
#include <tessera/data/exif.hpp>
#include <utility>

namespace tessera::image_codec {
namespace {

/// The TIFF structure inside the marker, in the byte order that it names.
class Tiff {
 public:
  explicit Tiff(std::span<const std::uint8_t> bytes) : bytes_(bytes), little_(!bytes.empty() && bytes[0] == 'I') {}

  std::size_t number(std::size_t at, std::size_t bytes) const {
    if (at > bytes_.size() || bytes > bytes_.size() - at) return 0;
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | bytes_[little_ ? at + bytes - 1 - i : at + i];
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool little_;
};

}  // namespace

int exif_orientation(std::span<const std::uint8_t> marker) {
  constexpr std::string_view start("Exif\0\0", 6);
  if (marker.size() < start.size() || !std::equal(start.begin(), start.end(), marker.begin())) return 1;
  const Tiff tiff(marker.subspan(start.size()));
  const std::size_t directory = tiff.number(4, 4), entries = tiff.number(directory, 2);
  constexpr std::size_t orientation_tag = 0x0112;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.number(entry, 2) != orientation_tag) continue;
    const std::size_t value = tiff.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Tensor upright(const Tensor& pixels, int orientation) {
  if (orientation <= 1) return pixels;
  const std::int64_t height = pixels.size(0), width = pixels.size(1), channels = pixels.size(2);
  const bool lying = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Tensor result = Tensor::empty({lying ? width : height, lying ? height : width, channels}, u8);
  const auto* in = pixels.data<std::uint8_t>();
  auto* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < result.size(0); ++y)
    for (std::int64_t x = 0; x < result.size(1); ++x) {
      const std::int64_t row = lying ? x : y, column = lying ? y : x;
      const std::int64_t from =
          (from_bottom ? height - 1 - row : row) * width + (from_right ? width - 1 - column : column);
      out = std::copy_n(in + from * channels, channels, out);
    }
  return result;
}

}  // namespace tessera::image_codec
