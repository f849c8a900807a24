#pragma once

#include <tessera/data/dataset.hpp>

namespace tessera {

struct ShapesOptions {
  std::int64_t count = 1000;  ///< images
  std::int64_t size = 64;     ///< height and width of an image, at least 32
  std::uint64_t seed = 0;
  std::string split = "train";  ///< each split has images of its own
};

/// Generated images of circles, rectangles and triangles of any colour on textured backgrounds: the shape is the class.
///
/// Image i of a split is a pure function of (seed, split, i, size). Images [size, size, 3]; classes 0 background, 1
/// circle, 2 rectangle, 3 triangle. ValueError for a size or count that is too small.
class ShapesDataset final : public Dataset {
 public:
  explicit ShapesDataset(ShapesOptions options = {});

  std::int64_t size() const override { return options_.count; }
  std::int64_t channels() const override { return 3; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override;

 private:
  ShapesOptions options_;
  Labels labels_{4, no_label, {"background", "circle", "rectangle", "triangle"}};
};

}  // namespace tessera
