#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <tessera/data/dataset.hpp>
#include <vector>

namespace tessera {

/// How many pixels hold each value, smallest value first.
using MaskValues = std::map<std::int32_t, std::int64_t>;

/// Counts the values of all these masks that can be read, on all threads; calls `advance()` after each, from any of
/// them. IoError where none can be read.
MaskValues count_mask_values(const std::vector<std::filesystem::path>& masks,
                             const std::function<void()>& advance = {});

/// True where 0 and 255 are all the values that are not ignored.
bool is_black_and_white(const MaskValues& values, std::int32_t ignore_index);

/// Classes that these values stand for: the largest plus one, `ignore_index` left out. IoError, naming `folder`, where
/// so few of the values in between occur that they are hardly class indices, with a hint at what they may be.
std::int64_t classes_of(const MaskValues& values, std::int32_t ignore_index, const std::string& folder);

/// MisfitError unless every value is a class or the ignored label; it names the file, the values, where they are and a
/// hint, which suggests no other number of classes where a network was `trained` on these.
void check_mask(const Tensor& mask, const Labels& labels, const std::filesystem::path& path, bool trained = false);

}  // namespace tessera
