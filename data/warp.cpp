#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tessera/core/error.hpp>
#include <tessera/data/warp.hpp>

namespace tessera {
namespace {

struct Point {
  double y = 0, x = 0;
};

/// Random ways to move points: normal numbers on a coarse grid, between them uniform cubic B-splines.
class ElasticField {
 public:
  ElasticField() = default;  ///< moves nothing
  ElasticField(Size2D size, double strength, const RandomStream& random, std::uint64_t first) {
    const auto nodes = [](std::int64_t pixels) { return static_cast<std::size_t>(pixels / cell + 4); };
    row_.resize(nodes(size.width));
    // The spline's value at a node is a weighted mean of deviation 1/2.
    for (std::uint64_t i = 0; i < nodes(size.height) * row_.size(); ++i)
      nodes_.push_back({2 * strength * random.normal(first + 2 * i), 2 * strength * random.normal(first + 2 * i + 1)});
  }

  /// Goes to a row of pixels.
  void start_row(std::int64_t y) {
    if (row_.empty()) return;
    const std::array<double, 4> weights = spline(y);
    const auto top = static_cast<std::size_t>(y / cell) * row_.size();
    for (std::size_t x = 0; x < row_.size(); ++x) row_[x] = mixed(&nodes_[top + x], row_.size(), weights);
  }
  Point at(std::int64_t x) const {
    if (row_.empty()) return {};
    return mixed(&row_[static_cast<std::size_t>(x / cell)], 1, spline(x));
  }

 private:
  static constexpr std::int64_t cell = 64;

  static std::array<double, 4> spline(std::int64_t pixel) {
    const double t = static_cast<double>(pixel % cell) / static_cast<double>(cell), u = 1 - t;
    return {u * u * u / 6, (4 - 3 * t * t * (2 - t)) / 6, (4 - 3 * u * u * (2 - u)) / 6, t * t * t / 6};
  }
  static Point mixed(const Point* nodes, std::size_t stride, const std::array<double, 4>& weights) {
    Point sum;
    for (std::size_t i = 0; i < 4; ++i, nodes += stride) {
      sum.y += weights[i] * nodes->y;
      sum.x += weights[i] * nodes->x;
    }
    return sum;
  }

  std::vector<Point> nodes_;  ///< the grid, row by row
  std::vector<Point> row_;    ///< its columns at one row of pixels
};

/// Where the pixels of a window come from.
class Source {
 public:
  Source(Size2D image, Size2D window, const WarpOptions& options, const RandomStream& random) : window_(window) {
    const double scale = random.uniform(0, options.min_scale, options.max_scale);
    const double angle = random.uniform(1, -options.rotation, options.rotation) * std::numbers::pi / 180;
    cosine_ = std::cos(angle);
    sine_ = std::sin(angle);
    const auto place = [&](std::uint64_t element, std::int64_t pixels, std::int64_t wanted, double& step) {
      const auto scaled = std::max<std::int64_t>(1, std::llround(scale * static_cast<double>(pixels)));
      step = static_cast<double>(pixels) / static_cast<double>(scaled);
      const std::int64_t room = scaled - wanted;
      const std::int64_t begin = room < 0 ? -random.integer(element, 1 - room) : random.integer(element, room + 1);
      return static_cast<double>(begin) + static_cast<double>(wanted) / 2;
    };
    center_.y = place(2, image.height, window.height, step_.y);
    center_.x = place(3, image.width, window.width, step_.x);
    if (options.elastic > 0) field_ = ElasticField(window, options.elastic, random, 16);
  }

  void start_row(std::int64_t y) {
    y_ = static_cast<double>(y) + 0.5 - static_cast<double>(window_.height) / 2;
    field_.start_row(y);
  }
  /// The place in the image, where pixel 0 is from 0 to 1.
  Point at(std::int64_t column) const {
    const Point moved = field_.at(column);
    const double y = y_ + moved.y;
    const double x = static_cast<double>(column) + 0.5 - static_cast<double>(window_.width) / 2 + moved.x;
    return {(center_.y + cosine_ * y + sine_ * x) * step_.y, (center_.x + cosine_ * x - sine_ * y) * step_.x};
  }

 private:
  Size2D window_;
  double cosine_ = 1, sine_ = 0;
  Point center_;  ///< of the window, in the scaled image
  Point step_;    ///< pixels of the image a pixel of the scaled image
  double y_ = 0;
  ElasticField field_;
};

/// The two pixels beside a place on an axis of `size` pixels and the share of the second.
struct Neighbors {
  std::int64_t first, second;
  float share;
};
Neighbors neighbors(double place, std::int64_t size) {
  const double before = std::floor(place - 0.5);
  const auto first = static_cast<std::int64_t>(before);
  return {std::max<std::int64_t>(first, 0), std::min(first + 1, size - 1), static_cast<float>(place - 0.5 - before)};
}

Sample warped(const Sample& sample, const WarpOptions& options, const AugmentationContext& context) {
  const std::int64_t height = sample.image.size(0), width = sample.image.size(1), channels = sample.image.size(2);
  const Size2D size = options.size == Size2D{} ? Size2D(height, width) : options.size;
  Sample result{Tensor::empty({size.height, size.width, channels}), Tensor::empty({size.height, size.width}, i32),
                sample.name};
  const float* colors = sample.image.data<float>();
  const auto* labels = sample.mask.data<std::int32_t>();
  float* color = result.image.mutable_data<float>();
  auto* label = result.mask.mutable_data<std::int32_t>();
  const std::vector<float> black(static_cast<std::size_t>(channels));
  const float* fill = context.fill.empty() ? black.data() : context.fill.data();
  Source source({height, width}, size, options, context.random);
  for (std::int64_t y = 0; y < size.height; ++y) {
    source.start_row(y);
    for (std::int64_t x = 0; x < size.width; ++x, color += channels, ++label) {
      const Point from = source.at(x);
      if (!(from.y >= 0 && from.y < static_cast<double>(height) && from.x >= 0 &&
            from.x < static_cast<double>(width))) {
        std::copy_n(fill, channels, color);
        *label = context.ignore_index;
        continue;
      }
      *label = labels[static_cast<std::int64_t>(from.y) * width + static_cast<std::int64_t>(from.x)];
      const Neighbors v = neighbors(from.y, height), u = neighbors(from.x, width);
      const float* top = colors + v.first * width * channels;
      const float* bottom = colors + v.second * width * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t left = u.first * channels + c, right = u.second * channels + c;
        const float above = top[left] + u.share * (top[right] - top[left]);
        const float below = bottom[left] + u.share * (bottom[right] - bottom[left]);
        color[c] = above + v.share * (below - above);
      }
    }
  }
  return result;
}

}  // namespace

Transform random_warp(WarpOptions options) {
  if (!(options.min_scale > 0 && options.min_scale <= options.max_scale && options.max_scale <= 100))
    throw ValueError(fmt::format("scale: expected factors above 0 and up to 100, the smaller first, got {} to {}",
                                 options.min_scale, options.max_scale));
  if (!(options.rotation >= 0 && options.rotation <= 180))
    throw ValueError(fmt::format("rotate: expected 0 to 180 degrees, got {}", options.rotation));
  if (!(options.elastic >= 0 && options.elastic <= 1000))
    throw ValueError(fmt::format("elastic: expected 0 to 1000 pixels, got {}", options.elastic));
  if (options.size != Size2D{} && (options.size.height < 1 || options.size.width < 1))
    throw ValueError(fmt::format("size: expected 1 or more, got {}", options.size.str()));
  return {"random_warp", [options](const Sample& sample, const AugmentationContext& context) {
            return warped(sample, options, context);
          }};
}

}  // namespace tessera
