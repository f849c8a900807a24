#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/data/rearrangements.hpp>
#include <utility>

namespace tessera {
namespace {

/// A new sample of this size whose pixel (y, x) is pixel `source(y, x)` of the old one, or made up where there is none.
template <class Source>
Sample rearranged(const Sample& sample, Size2D size, const AugmentationContext& context, const Source& source) {
  const std::int64_t height = sample.image.size(0), width = sample.image.size(1), channels = sample.image.size(2);
  Sample result{Tensor::empty({size.height, size.width, channels}), Tensor::empty({size.height, size.width}, i32),
                sample.name};
  const float* colors = sample.image.data<float>();
  const auto* labels = sample.mask.data<std::int32_t>();
  float* color = result.image.mutable_data<float>();
  auto* label = result.mask.mutable_data<std::int32_t>();
  const std::vector<float> black(static_cast<std::size_t>(channels));
  const float* fill = context.fill.empty() ? black.data() : context.fill.data();
  for (std::int64_t y = 0; y < size.height; ++y)
    for (std::int64_t x = 0; x < size.width; ++x, color += channels) {
      const std::pair<std::int64_t, std::int64_t> from = source(y, x);
      const bool inside = from.first >= 0 && from.first < height && from.second >= 0 && from.second < width;
      const std::int64_t pixel = from.first * width + from.second;
      std::copy_n(inside ? colors + pixel * channels : fill, channels, color);
      *label++ = inside ? labels[pixel] : context.ignore_index;
    }
  return result;
}

Size2D size_of(const Sample& sample) { return {sample.image.size(0), sample.image.size(1)}; }

}  // namespace

Transform flip_horizontal() {
  return {"flip_horizontal", [](const Sample& sample, const AugmentationContext& context) {
            if (context.random.bits(0) & 1) return sample;
            const Size2D size = size_of(sample);
            return rearranged(sample, size, context, [=](std::int64_t y, std::int64_t x) {
              return std::pair{y, size.width - 1 - x};
            });
          }};
}

Transform flip_vertical() {
  return {"flip_vertical", [](const Sample& sample, const AugmentationContext& context) {
            if (context.random.bits(0) & 1) return sample;
            const Size2D size = size_of(sample);
            return rearranged(sample, size, context, [=](std::int64_t y, std::int64_t x) {
              return std::pair{size.height - 1 - y, x};
            });
          }};
}

Transform quarter_turn() {
  return {"quarter_turn", [](const Sample& sample, const AugmentationContext& context) {
            const Size2D size = size_of(sample);
            const std::int64_t bottom = size.height - 1, right = size.width - 1;
            switch (context.random.integer(0, 4)) {
              case 0:
                return sample;
              case 1:
                return rearranged(sample, {size.width, size.height}, context, [=](std::int64_t y, std::int64_t x) {
                  return std::pair{x, right - y};
                });
              case 2:
                return rearranged(sample, size, context, [=](std::int64_t y, std::int64_t x) {
                  return std::pair{bottom - y, right - x};
                });
              default:
                break;
            }
            return rearranged(sample, {size.width, size.height}, context, [=](std::int64_t y, std::int64_t x) {
              return std::pair{bottom - x, y};
            });
          }};
}

Transform random_crop(Size2D size) {
  if (size.height < 1 || size.width < 1)
    throw ValueError(fmt::format("random_crop: expected a size of 1 or more, got {}x{}", size.height, size.width));
  return {"random_crop", [size](const Sample& sample, const AugmentationContext& context) {
            const Size2D whole = size_of(sample);
            const auto place = [&](std::uint64_t element, std::int64_t room) {
              return room > 0 ? context.random.integer(element, room + 1) : 0;
            };
            const std::int64_t top = place(0, whole.height - size.height), left = place(1, whole.width - size.width);
            return rearranged(sample, size, context, [=](std::int64_t y, std::int64_t x) {
              return std::pair{top + y, left + x};
            });
          }};
}

}  // namespace tessera
