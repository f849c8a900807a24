#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/data/batch.hpp>

namespace tessera {

Batch make_batch(const std::vector<Sample>& samples, std::int64_t multiple_of, std::int32_t ignore_index) {
  Batch batch;
  if (samples.empty()) return batch;
  const std::int64_t channels = samples[0].image.size(2);
  std::int64_t height = 0, width = 0;
  for (const Sample& sample : samples) {
    if (sample.image.size(2) != channels)
      raise<ShapeError>("batch", "\"{}\" has {} channels and \"{}\" {}", sample.name, sample.image.size(2),
                        samples[0].name, channels);
    height = std::max(height, sample.image.size(0));
    width = std::max(width, sample.image.size(1));
    batch.names.push_back(sample.name);
  }
  height = (height + multiple_of - 1) / multiple_of * multiple_of;
  width = (width + multiple_of - 1) / multiple_of * multiple_of;

  batch.images = Tensor::zeros({batch.size(), height, width, channels});
  batch.masks = Tensor::full({batch.size(), height, width}, ignore_index, i32);
  float* images = batch.images.mutable_data<float>();
  auto* masks = batch.masks.mutable_data<std::int32_t>();
  for (const Sample& sample : samples) {
    const std::int64_t rows = sample.image.size(0), columns = sample.image.size(1);
    for (std::int64_t y = 0; y < rows; ++y) {
      const float* colors = sample.image.data<float>() + y * columns * channels;
      std::copy_n(colors, columns * channels, images + y * width * channels);
      std::copy_n(sample.mask.data<std::int32_t>() + y * columns, columns, masks + y * width);
    }
    images += height * width * channels;
    masks += height * width;
  }
  return batch;
}

}  // namespace tessera
