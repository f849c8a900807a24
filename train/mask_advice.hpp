#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tessera/data/dataset.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_values.hpp>
#include <vector>

namespace tessera {

/// What masks hold.
struct MaskCounts {
  MaskValues values{};
  std::map<Rgb, MaskValue> colors{};                    ///< of masks that are coloured
  std::map<std::vector<Rgb>, std::int64_t> palettes{};  ///< masks by palette; their values are indices of it

  void add(const MaskCounts& other);
};

/// What the values in the masks suggest.
struct MaskAdvice {
  std::int64_t classes = 0;
  std::int32_t ignore_index = no_label;
  std::vector<std::int32_t> mask_values{};  ///< of the classes, where these are not 0, 1, 2, ...
  std::string color_map{};                  ///< the file that says what they are, where there is one
  bool blended = false;                     ///< most of the values or colours are no classes; a remark says why
  std::vector<std::string> remarks{};

  /// The options of segment train that say so: "--classes 3 --ignore-index 255"; empty where there are no classes to
  /// tell apart.
  std::string options() const;
};
MaskAdvice advise(const MaskCounts& counts);

}  // namespace tessera
