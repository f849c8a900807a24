#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <tessera/core/tensor.hpp>
#include <vector>

namespace tessera {

using Rgb = std::array<std::uint8_t, 3>;

/// Pixels [H, W, C] as a file holds them: u8, or i32 where it has 16 bits a sample; 1 to 4 channels.
struct Image {
  Tensor pixels;
  int bits = 8;              ///< 8 or 16 a sample
  std::vector<Rgb> palette;  ///< colours that the pixels are indices of; empty where they are none
};

/// Images of more pixels are refused before memory is taken for them.
inline constexpr std::int64_t max_image_pixels = std::int64_t{1} << 27;

/// What an image is read for: a picture has palettes expanded and samples of few bits stretched to 8; labels keep every
/// number as it is stored.
enum class ImageUse : std::uint8_t { picture, labels };

/// Reads a PNG, JPEG (turned as its Exif orientation says) or PNM file, known by its first bytes. IoError names the
/// file and what is wrong with it.
Image read_image(const std::filesystem::path& path, ImageUse use = ImageUse::picture);

/// Channels of the image that read_image would give, from the file's header alone. IoError as there.
std::int64_t channels_in(const std::filesystem::path& path);

/// Reads a mask of class indices [H, W], i32: grey values or palette indices; grey saved as RGB is taken as grey.
/// MisfitError for coloured masks and for JPEG, whose compression changes indices.
Tensor read_mask(const std::filesystem::path& path);

/// The pixels with another number of channels where nothing is lost: grey repeated as colour, an opaque alpha added or
/// dropped, colour whose channels agree as grey. ValueError otherwise.
Tensor with_channels(const Image& image, std::int64_t channels);

/// Writes u8 pixels (8 bits) or i32 pixels of 0 to 65535 (16 bits), [H, W] or [H, W, 1 to 4], or with a palette u8
/// indices [H, W]. Nothing is left at `path` when it fails. IoError names the file, ValueError what cannot be an image.
void write_png(const std::filesystem::path& path, const Tensor& pixels, const std::vector<Rgb>& palette = {});

/// The bytes of the file that write_png writes.
std::vector<std::uint8_t> encode_png(const Tensor& pixels, const std::vector<Rgb>& palette = {});

/// The same as binary PGM (1 channel) or PPM (3 channels).
void write_pnm(const std::filesystem::path& path, const Tensor& pixels);

}  // namespace tessera
