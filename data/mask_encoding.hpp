#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// The classes of a file that lists them with the colours masks are painted in.
struct ColorMap {
  std::vector<std::string> names;  ///< of the classes, in the file's order
  MaskEncoding encoding;
};

/// "255 0 128", as a colour stands in such a file.
std::string text_of(const Rgb& color);

/// Reads lines of "name R G B" or "R G B name", each a class, numbered from 0; '#' begins a comment.
///
/// Lines whose name is void, ignore, ignored, unlabeled or unlabelled are no classes: their pixels do not count.
/// IoError names the file and the line.
ColorMap read_color_map(const std::filesystem::path& path);

/// The encoding of masks whose class k has the value `values[k]`, and whose pixels of `ignored` do not count (no_label:
/// all count). ValueError for a value given twice.
MaskEncoding encoding_of(const std::vector<std::int32_t>& values, std::int32_t ignored);

/// The values of the classes in an encoding, in the classes' order: encoding_of's reverse.
std::vector<std::int32_t> mask_values_of(const MaskEncoding& encoding);

/// "0,255" as numbers; ValueError where it is none of 0 to 65535, or fewer than two.
std::vector<std::int32_t> parse_mask_values(const std::string& text);

/// How many classes an encoding knows.
std::int64_t classes_of(const MaskEncoding& encoding);

/// Reads a mask [H, W], i32, of labels: with colours RGB and palette images by their colours, others by their values.
/// MisfitError names the file, and the value or colour that the encoding does not know.
Tensor read_mask(const std::filesystem::path& path, const MaskEncoding& encoding);

}  // namespace tessera
