#include <algorithm>
#include <array>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/image_codec.hpp>
#include <tessera/data/misfit.hpp>

namespace tessera {
namespace {

using namespace image_codec;

enum class Format : std::uint8_t { png, jpeg, grey_pnm, color_pnm };

Format format_of(const std::filesystem::path& path) {
  std::array<unsigned char, 4> start{};
  const std::size_t count = std::fread(start.data(), 1, start.size(), open_for_reading(path).get());
  if (count == 0) fail(path, "is empty or cannot be read");
  if (start == std::array<unsigned char, 4>{0x89, 'P', 'N', 'G'}) return Format::png;
  if (start[0] == 0xFF && start[1] == 0xD8 && start[2] == 0xFF) return Format::jpeg;
  if (start[0] == 'P' && start[1] >= '1' && start[1] <= '6')
    return start[1] == '3' || start[1] == '6' ? Format::color_pnm : Format::grey_pnm;
  fail(path, "is not a PNG, JPEG or PNM file");
}

/// Calls `visit(samples, i)` for every pixel.
template <class T, class F>
void for_each_pixel(const Tensor& pixels, F&& visit) {
  const T* from = pixels.data<T>();
  const std::int64_t channels = pixels.size(2);
  for (std::int64_t i = 0; i < pixels.numel() / channels; ++i) visit(from + i * channels, i);
}

/// True where the first three channels of every pixel agree.
bool is_grey(const Tensor& pixels) {
  bool grey = true;
  dispatch_all(pixels.dtype(), [&](auto zero) {
    for_each_pixel<decltype(zero)>(pixels, [&](const auto* p, std::int64_t) { grey &= p[0] == p[1] && p[1] == p[2]; });
  });
  return grey;
}

/// True where the last channel is at its largest everywhere.
bool is_opaque(const Image& image) {
  bool opaque = true;
  const std::int64_t last = image.pixels.size(2) - 1;
  const int full = image.bits == 8 ? 255 : 65535;
  dispatch_all(image.pixels.dtype(), [&](auto zero) {
    for_each_pixel<decltype(zero)>(image.pixels,
                                   [&](const auto* p, std::int64_t) { opaque &= static_cast<int>(p[last]) == full; });
  });
  return opaque;
}

}  // namespace

Image read_image(const std::filesystem::path& path, ImageUse use) {
  switch (format_of(path)) {
    case Format::png:
      return read_png(path, use);
    case Format::jpeg:
      return read_jpeg(path);
    case Format::grey_pnm:
    case Format::color_pnm:
      break;
  }
  return read_pnm(path, use);
}

std::int64_t channels_in(const std::filesystem::path& path) {
  switch (format_of(path)) {
    case Format::png:
      return png_channels(path);
    case Format::jpeg:
      return jpeg_channels(path);
    case Format::grey_pnm:
      return 1;
    case Format::color_pnm:
      break;
  }
  return 3;
}

Tensor read_mask(const std::filesystem::path& path) {
  if (format_of(path) == Format::jpeg)
    throw MisfitError(fmt::format(
        "{}: a mask cannot be a JPEG, whose compression changes the class indices: save it as PNG", path.string()));
  const Image image = read_image(path, ImageUse::labels);
  const Shape& shape = image.pixels.shape();
  if (shape[2] > 2 && !is_grey(image.pixels))
    throw MisfitError(
        fmt::format("{}: the mask is coloured ({} channels): expected one class index a pixel, or a --colour-map that "
                    "lists the classes' colours",
                    path.string(), shape[2]));
  Tensor mask = Tensor::empty({shape[0], shape[1]}, i32);
  auto* out = mask.mutable_data<std::int32_t>();
  dispatch_all(image.pixels.dtype(), [&](auto zero) {
    for_each_pixel<decltype(zero)>(image.pixels,
                                   [&](const auto* p, std::int64_t i) { out[i] = static_cast<std::int32_t>(p[0]); });
  });
  return mask;
}

Tensor with_channels(const Image& image, std::int64_t channels) {
  const Tensor& pixels = image.pixels;
  const std::int64_t have = pixels.size(2);
  if (have == channels) return pixels;
  const bool has_alpha = have == 2 || have == 4, wants_alpha = channels == 2 || channels == 4;
  const bool wants_grey = channels <= 2;
  const std::string wanted = channels == 1 ? "1 channel" : fmt::format("{} channels", channels);
  if (has_alpha && !wants_alpha && !is_opaque(image))
    throw ValueError(
        fmt::format("expected {}, got {} with transparent pixels: save it without its alpha channel", wanted, have));
  if (have >= 3 && wants_grey && !is_grey(pixels))
    throw ValueError(fmt::format("expected {}, got {} that are not grey: save it in grey", wanted, have));

  Tensor result = Tensor::empty({pixels.size(0), pixels.size(1), channels}, pixels.dtype());
  const std::int64_t colors = wants_grey ? 1 : 3;
  dispatch_all(pixels.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T full = static_cast<T>(image.bits == 8 ? 255 : 65535);
    T* out = result.mutable_data<T>();
    for_each_pixel<T>(pixels, [&](const T* p, std::int64_t i) {
      T* to = out + i * channels;
      for (std::int64_t c = 0; c < colors; ++c) to[c] = p[have >= 3 ? c : 0];
      if (wants_alpha) to[colors] = has_alpha ? p[have - 1] : full;
    });
  });
  return result;
}

}  // namespace tessera
