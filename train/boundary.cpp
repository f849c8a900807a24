#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/train/boundary.hpp>

namespace tessera {
namespace {

constexpr std::int32_t no_class = -1;

/// The class of every pixel that lies on the outline of its class, no_class elsewhere.
struct Outlines {
  std::int64_t height, width;
  std::vector<std::int32_t> labels;

  std::int32_t at(std::int64_t y, std::int64_t x) const { return labels[static_cast<std::size_t>(y * width + x)]; }
};

Outlines outlines_of(const std::vector<std::int32_t>& labels, std::int64_t height, std::int64_t width) {
  Outlines result{height, width, std::vector(labels.size(), no_class)};
  const auto label = [&](std::int64_t y, std::int64_t x) { return labels[static_cast<std::size_t>(y * width + x)]; };
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int32_t own = label(y, x);
      const auto differs = [&](std::int64_t row, std::int64_t column) {
        if (row < 0 || row >= height || column < 0 || column >= width) return false;
        const std::int32_t other = label(row, column);
        return other != own && other != no_class;
      };
      if (own != no_class && (differs(y - 1, x) || differs(y + 1, x) || differs(y, x - 1) || differs(y, x + 1)))
        result.labels[static_cast<std::size_t>(y * width + x)] = own;
    }
  return result;
}

/// How far every pixel is, along its row, from the next pixel of the class's outline; beyond `reach`: reach + 1.
std::vector<std::int32_t> row_distances(const Outlines& outlines, std::int32_t label, std::int32_t reach) {
  std::vector<std::int32_t> distances(outlines.labels.size());
  for (std::int64_t y = 0; y < outlines.height; ++y) {
    std::int32_t* row = distances.data() + y * outlines.width;
    std::int32_t distance = reach + 1;
    const auto pass = [&](std::int64_t x, std::int32_t so_far) {
      distance = outlines.at(y, x) == label ? 0 : std::min(distance + 1, reach + 1);
      row[x] = std::min(distance, so_far);
    };
    for (std::int64_t x = 0; x < outlines.width; ++x) pass(x, reach + 1);
    distance = reach + 1;
    for (std::int64_t x = outlines.width - 1; x >= 0; --x) pass(x, row[x]);
  }
  return distances;
}

/// The share of the class's outline in `from` that lies within `radius` of the one in `to`; empty where there is none.
std::optional<double> share_near(const Outlines& from, const Outlines& to, std::int32_t label, double radius) {
  const auto reach = static_cast<std::int32_t>(std::floor(radius));
  const std::vector<std::int32_t> along_row = row_distances(to, label, reach);
  const auto is_near = [&](std::int64_t y, std::int64_t x) {
    const auto within = [&](std::int64_t row) {
      if (row < 0 || row >= to.height) return false;
      const auto dx = static_cast<double>(along_row[static_cast<std::size_t>(row * to.width + x)]);
      const auto dy = static_cast<double>(row - y);
      return dx * dx + dy * dy <= radius * radius;
    };
    for (std::int64_t dy = 0; dy <= reach; ++dy)
      if (within(y - dy) || within(y + dy)) return true;
    return false;
  };
  std::int64_t all = 0, near = 0;
  for (std::int64_t y = 0; y < from.height; ++y)
    for (std::int64_t x = 0; x < from.width; ++x)
      if (from.at(y, x) == label) ++all, near += is_near(y, x) ? 1 : 0;
  if (all == 0) return std::nullopt;
  return static_cast<double>(near) / static_cast<double>(all);
}

}  // namespace

std::vector<std::optional<double>> boundary_f1(const Tensor& truth, const Tensor& prediction, std::int64_t classes,
                                               std::int32_t ignore_index, double tolerance) {
  if (truth.rank() != 2 || truth.shape() != prediction.shape())
    raise<ShapeError>("boundary F1", "expected truth and prediction [H, W] of one shape, got {} and {}",
                      truth.shape().str(), prediction.shape().str());
  const std::int64_t height = truth.size(0), width = truth.size(1);
  const Tensor true_labels = truth.to(i32), predicted_labels = prediction.to(i32);
  const auto a = true_labels.span<std::int32_t>(), b = predicted_labels.span<std::int32_t>();
  std::vector<std::int32_t> is(a.begin(), a.end()), seen(b.begin(), b.end());
  for (std::size_t i = 0; i < is.size(); ++i)
    if (is[i] == ignore_index) is[i] = seen[i] = no_class;
  const Outlines expected = outlines_of(is, height, width), found = outlines_of(seen, height, width);

  const double radius = tolerance * std::hypot(static_cast<double>(height), static_cast<double>(width));
  std::vector<char> occurs(static_cast<std::size_t>(classes));
  for (const std::int32_t label : expected.labels)
    if (label >= 0 && label < classes) occurs[static_cast<std::size_t>(label)] = 1;
  std::vector<std::optional<double>> scores(static_cast<std::size_t>(classes));
  parallel_for(classes, [&](std::int64_t k) {
    if (!occurs[static_cast<std::size_t>(k)]) return;
    const auto label = static_cast<std::int32_t>(k);
    const double precision = share_near(found, expected, label, radius).value_or(0);
    const double recall = share_near(expected, found, label, radius).value_or(0);
    scores[static_cast<std::size_t>(k)] = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
  });
  return scores;
}

void BoundaryScores::add(const std::vector<std::optional<double>>& image) {
  if (image.size() != sums_.size())
    raise<ValueError>("boundary F1", "cannot add scores of {} classes to scores of {}", image.size(), sums_.size());
  Sum whole;
  for (std::size_t k = 0; k < image.size(); ++k) {
    if (!image[k]) continue;
    sums_[k].add(*image[k]);
    whole.add(*image[k]);
  }
  if (const std::optional<double> mean = whole.mean()) images_.add(*mean);
}

std::vector<std::optional<double>> BoundaryScores::by_class() const {
  std::vector<std::optional<double>> means;
  for (const Sum& sum : sums_) means.push_back(sum.mean());
  return means;
}

}  // namespace tessera
