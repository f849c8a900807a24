#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// How often a value or a colour stands in masks.
struct MaskValue {
  std::int64_t pixels = 0;
  std::int64_t masks = 0;
  std::int64_t between = 0;  ///< pixels that lie between their two neighbours, across or down, which differ

  MaskValue& operator+=(const MaskValue& other);
};
/// By the value, smallest first.
using MaskValues = std::map<std::int32_t, MaskValue>;

/// Counts the values of one mask [H, W]. Between two others is what is larger than one and smaller than the other.
MaskValues values_of(const Tensor& mask);
/// The same for the colours of pixels [H, W, 3 or 4], u8. Between two others is what has each channel so, or as one of
/// them.
std::map<Rgb, MaskValue> colors_of(const Tensor& pixels);

/// Counts the values of all these masks that can be read, on all threads; calls `advance()` after each, from any of
/// them. IoError where none can be read.
MaskValues count_mask_values(const std::vector<std::filesystem::path>& masks,
                             const std::function<void()>& advance = {});

/// True where 0 and 255 are all the values that are not ignored.
bool is_black_and_white(const MaskValues& values, std::int32_t ignore_index);

/// True where the values that are not ignored begin with 1, so that classes seem to be counted from there.
bool is_counted_from_1(const MaskValues& values, std::int32_t ignore_index);

/// Classes that these values stand for: the largest plus one, `ignore_index` left out. IoError, naming `folder`, where
/// so few of the values in between occur that they are hardly class indices, with a hint at what they may be.
std::int64_t classes_of(const MaskValues& values, std::int32_t ignore_index, const std::string& folder);

/// MisfitError unless every value is a class or the ignored label; it names the file, the values, where they are and a
/// hint, which suggests no other number of classes where a network was `trained` on these.
void check_mask(const Tensor& mask, const Labels& labels, const std::filesystem::path& path, bool trained = false);

}  // namespace tessera
