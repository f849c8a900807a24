#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tessera/core/error.hpp>
#include <tessera/core/random.hpp>
#include <tessera/data/shapes.hpp>

namespace tessera {
namespace {

using Color = std::array<double, 3>;

/// Random numbers one after the other.
class Draws {
 public:
  explicit Draws(RandomStream random) : random_(random) {}
  double uniform(double low, double high) { return random_.uniform(next_++, low, high); }
  std::int64_t integer(std::int64_t below) { return random_.integer(next_++, below); }
  Color color() { return {uniform(0.05, 0.95), uniform(0.05, 0.95), uniform(0.05, 0.95)}; }

 private:
  RandomStream random_;
  std::uint64_t next_ = 0;
};

double distance(const Color& a, const Color& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

/// Brightness that changes smoothly over the image: random heights on a grid, interpolated.
class Texture {
 public:
  Texture(Draws& draws, double cell, double strength) : cell_(cell) {
    for (double& height : heights_) height = draws.uniform(-strength, strength);
  }
  double at(double y, double x) const {
    const double v = y / cell_, u = x / cell_;
    const double top = std::floor(v), left = std::floor(u);
    const double a = v - top, b = u - left;
    return (1 - a) * ((1 - b) * height(top, left) + b * height(top, left + 1)) +
           a * ((1 - b) * height(top + 1, left) + b * height(top + 1, left + 1));
  }

 private:
  static constexpr std::size_t cells = 9;  // the pattern repeats after as many
  double height(double row, double column) const {
    return heights_[static_cast<std::size_t>(row) % cells * cells + static_cast<std::size_t>(column) % cells];
  }
  double cell_;
  std::array<double, cells * cells> heights_{};
};

struct Figure {
  std::int32_t kind = 0;  ///< its class
  double y = 0, x = 0;
  double radius = 0;  ///< of the circle around it
  double height = 0, width = 0, angle = 0;
  Color color{};

  bool contains(double row, double column) const {
    const double dy = row - y, dx = column - x;
    if (kind == 1) return dy * dy + dx * dx <= radius * radius;
    const double v = dy * std::cos(angle) - dx * std::sin(angle), u = dy * std::sin(angle) + dx * std::cos(angle);
    if (kind == 2) return std::abs(v) <= height / 2 && std::abs(u) <= width / 2;
    // An equilateral triangle is within half its circle's radius of the centre in three directions.
    const double side = std::numbers::sqrt3 / 2 * std::abs(u) - v / 2;
    return v <= radius / 2 && side <= radius / 2;
  }
};

Figure draw_figure(Draws& draws, double size, const Color& background) {
  Figure figure;
  figure.kind = static_cast<std::int32_t>(1 + draws.integer(3));
  // At size 64 figures are 12 to 23 pixels across, which a small network's field of view can hold whole.
  const double unit = size / 64;
  figure.height = unit * draws.uniform(12, 18);
  figure.width = unit * draws.uniform(12, 18);
  figure.angle = draws.uniform(-0.1, 0.1);
  figure.radius = unit * (figure.kind == 1 ? draws.uniform(7, 10.5) : draws.uniform(11, 13.5));
  if (figure.kind == 2) figure.radius = std::hypot(figure.height, figure.width) / 2;
  figure.y = draws.uniform(figure.radius, size - figure.radius);
  figure.x = draws.uniform(figure.radius, size - figure.radius);
  do figure.color = draws.color();
  while (distance(figure.color, background) < 0.6);
  return figure;
}

/// Three to six figures that do not touch: those that would are drawn anew, a few times.
std::vector<Figure> draw_figures(Draws& draws, double size, const Color& background) {
  std::vector<Figure> figures;
  const std::int64_t wanted = 3 + draws.integer(4);
  for (int attempt = 0; attempt < 30 && static_cast<std::int64_t>(figures.size()) < wanted; ++attempt) {
    const Figure next = draw_figure(draws, size, background);
    const bool apart = std::all_of(figures.begin(), figures.end(), [&](const Figure& other) {
      return std::hypot(next.y - other.y, next.x - other.x) > next.radius + other.radius + 3 * size / 64;
    });
    if (apart) figures.push_back(next);
  }
  return figures;
}

}  // namespace

ShapesDataset::ShapesDataset(ShapesOptions options) : options_(std::move(options)) {
  if (options_.size < 32 || options_.count < 1)
    throw ValueError(fmt::format("shapes: expected 1 or more images of size 32 or more, got {} of size {}",
                                 options_.count, options_.size));
}

Sample ShapesDataset::get(std::int64_t index) const {
  const std::int64_t size = options_.size;
  const std::string name = fmt::format("{}-{:05}", options_.split, index);
  Draws draws(RandomStream(options_.seed, stream_of("shapes/" + name)));
  const RandomStream noise(options_.seed, stream_of("shapes/" + name), 1);
  const Color background = draws.color();
  const std::vector<Figure> figures = draw_figures(draws, static_cast<double>(size), background);
  const Texture coarse(draws, static_cast<double>(size) / 7, 0.1), fine(draws, 2.7, 0.04);

  Sample sample{Tensor::empty({size, size, 3}), Tensor::empty({size, size}, i32), name};
  float* image = sample.image.mutable_data<float>();
  auto* mask = sample.mask.mutable_data<std::int32_t>();
  std::uint64_t element = 0;
  for (std::int64_t y = 0; y < size; ++y)
    for (std::int64_t x = 0; x < size; ++x) {
      const double row = static_cast<double>(y) + 0.5, column = static_cast<double>(x) + 0.5;
      const auto hit =
          std::find_if(figures.begin(), figures.end(), [&](const Figure& f) { return f.contains(row, column); });
      const bool inside = hit != figures.end();
      const double shade = inside ? fine.at(column, row) : coarse.at(row, column) + fine.at(row, column);
      for (const double channel : inside ? hit->color : background) {
        const double value = channel + shade + noise.uniform(element++, -0.03, 0.03);
        *image++ = static_cast<float>(std::clamp(value, 0.0, 1.0));
      }
      *mask++ = inside ? hit->kind : 0;
    }
  return sample;
}

}  // namespace tessera
