#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tessera/data/image.hpp>
#include <vector>

namespace tessera {

/// The label of pixels that no image has, such as padding, where the data names no label to ignore. Never a class.
inline constexpr std::int32_t no_label = -1;

/// One image with its mask.
struct Sample {
  Tensor image;  ///< [H, W, C], f32 from 0 to 1
  Tensor mask;   ///< [H, W], i32: 0 to classes - 1 or the ignored label
  std::string name;
};

/// How the numbers or colours in mask files become labels, where they are not labels themselves. no_label: ignored.
struct MaskEncoding {
  std::map<std::int32_t, std::int32_t> values{};  ///< label of each value; empty: values are labels
  std::map<Rgb, std::int32_t> colors{};           ///< label of each colour; empty: coloured masks are not known
  bool empty() const { return values.empty() && colors.empty(); }
  bool operator==(const MaskEncoding&) const = default;
};

/// What the numbers in the masks mean.
struct Labels {
  std::int64_t classes = 0;
  std::int32_t ignore_index = no_label;
  std::vector<std::string> names{};  ///< one a class, or empty
  MaskEncoding encoding{};           ///< of the mask files
  std::vector<Rgb> colors{};         ///< that the classes are drawn in where `encoding` has none; or empty
};

/// Images with masks, numbered from 0.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::int64_t size() const = 0;
  virtual std::int64_t channels() const = 0;
  virtual const Labels& labels() const = 0;
  /// The sample of this number; always the same. Called by several threads at once. IoError where it cannot be read.
  virtual Sample get(std::int64_t index) const = 0;
  /// The mask of that sample alone, where it can be had without the image.
  virtual Tensor mask(std::int64_t index) const { return get(index).mask; }
};

}  // namespace tessera
