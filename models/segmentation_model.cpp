#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/models/segmentation_model.hpp>

namespace tessera {

bool InputSizes::hold(Size2D size) const { return enlarged(size) == size; }

Size2D InputSizes::nearest(Size2D size) const {
  const auto round = [this](std::int64_t n) { return std::max((n + multiple / 2) / multiple * multiple, smallest); };
  return {round(size.height), round(size.width)};
}

Size2D InputSizes::enlarged(Size2D size) const {
  const auto up = [this](std::int64_t n) { return std::max((n + multiple - 1) / multiple * multiple, smallest); };
  return {up(size.height), up(size.width)};
}

std::string InputSizes::str() const {
  if (multiple == 1) return fmt::format("at least {}", smallest);
  return fmt::format("multiples of {}{}", multiple, smallest > multiple ? fmt::format(" from {} on", smallest) : "");
}

void check_model_input(std::string_view model, const Tensor& x, std::int64_t in_channels, const InputSizes& sizes) {
  if (x.rank() != 4 || x.size(3) != in_channels)
    raise<ShapeError>(model, "expected input [N, H, W, {}], got {}", in_channels, x.shape().str());
  if (sizes.hold(image_size(x))) return;
  const Size2D nearest = sizes.nearest(image_size(x));
  raise<ShapeError>(model, "height and width must be {}, got {}: the nearest valid size is {}x{}", sizes.str(),
                    x.shape().str(), nearest.height, nearest.width);
}

SegmentationModel::SegmentationModel(std::string name, std::int64_t in_channels, std::int64_t classes,
                                     const InputSizes& sizes)
    : name_(std::move(name)), in_channels_(in_channels), classes_(classes), sizes_(sizes) {
  if (in_channels < 1) raise<ValueError>(name_, ".in_channels must be 1 or more, got {}", in_channels);
  if (classes < 1) raise<ValueError>(name_, ".classes is required and must be 1 or more, got {}", classes);
}

}  // namespace tessera
