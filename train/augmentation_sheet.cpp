#include <algorithm>
#include <tessera/data/shuffle.hpp>
#include <tessera/train/augmentation_sheet.hpp>
#include <tessera/train/pictures.hpp>

namespace tessera {
namespace {

constexpr std::int64_t largest_side = 240, gap = 6;

/// Every n-th pixel, n the least that makes neither side larger than largest_side.
Tensor thinned(const Tensor& picture) {
  const std::int64_t step = (std::max(picture.size(0), picture.size(1)) + largest_side - 1) / largest_side;
  if (step <= 1) return picture;
  Tensor result = Tensor::empty({(picture.size(0) + step - 1) / step, (picture.size(1) + step - 1) / step, 3}, u8);
  auto* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < picture.size(0); y += step)
    for (std::int64_t x = 0; x < picture.size(1); x += step)
      out = std::copy_n(picture.data<std::uint8_t>() + (y * picture.size(1) + x) * 3, 3, out);
  return result;
}

/// Pictures row by row on white, each in the middle of its cell.
Tensor grid(const std::vector<std::vector<Tensor>>& rows) {
  std::int64_t height = 0, width = 0;
  std::size_t columns = 0;
  for (const auto& row : rows) {
    columns = std::max(columns, row.size());
    for (const Tensor& picture : row) {
      height = std::max(height, picture.size(0));
      width = std::max(width, picture.size(1));
    }
  }
  const std::int64_t total = static_cast<std::int64_t>(columns) * (width + gap) + gap;
  Tensor sheet = Tensor::full({static_cast<std::int64_t>(rows.size()) * (height + gap) + gap, total, 3}, 255, u8);
  auto* out = sheet.mutable_data<std::uint8_t>();
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const Tensor& picture = rows[r][c];
      const std::int64_t top = gap + static_cast<std::int64_t>(r) * (height + gap) + (height - picture.size(0)) / 2;
      const std::int64_t left = gap + static_cast<std::int64_t>(c) * (width + gap) + (width - picture.size(1)) / 2;
      for (std::int64_t y = 0; y < picture.size(0); ++y)
        std::copy_n(picture.data<std::uint8_t>() + y * picture.size(1) * 3, picture.size(1) * 3,
                    out + ((top + y) * total + left) * 3);
    }
  return sheet;
}

}  // namespace

Tensor augmentation_sheet(const Dataset& data, const Augmentation& augmentation,
                          const AugmentationSheetOptions& options) {
  std::vector<std::int64_t> order = shuffled(data.size(), RandomStream(options.seed, stream_of("augmentation sheet")));
  order.resize(std::min(order.size(), static_cast<std::size_t>(options.images)));
  const std::vector<Rgb> colors = class_colors(data.labels());
  const auto drawn = [&](const Sample& sample) { return thinned(overlay(sample.image, sample.mask, colors)); };
  std::vector<std::vector<Tensor>> rows;
  for (const std::int64_t index : order) {
    const Sample sample = data.get(index);
    std::vector<Tensor>& row = rows.emplace_back();
    row.push_back(drawn(sample));
    for (std::int64_t epoch = 0; epoch < options.versions; ++epoch)
      row.push_back(drawn(augmentation(sample, options.seed, epoch, index, data.labels().ignore_index, options.fill)));
  }
  return grid(rows);
}

}  // namespace tessera
