#include "verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/ops/activation.hpp>
#include <utility>
#include <vector>

#include "matrices.hpp"

namespace conv_transpose {
namespace {

/// The numbers of the case in double, with its sizes under short names.
struct Plain {
  ConvGeometry geometry;  // read backwards: its output is our input
  std::vector<double> input, kernel;
  std::int64_t height, width, channels, filters, group_inputs, group_filters;

  Plain(const Options& options, const Case& given)
      : geometry(options.geometry()),
        input(doubles(given.input)),
        kernel(doubles(given.kernel)),
        height(options.input.height),
        width(options.input.width),
        channels(options.layer.in_channels),
        filters(options.layer.filters),
        group_inputs(channels / options.layer.groups),
        group_filters(filters / options.layer.groups) {}

  static std::vector<double> doubles(const Tensor& tensor) {
    const Tensor converted = tensor.detach().to(f64);
    return {converted.span<double>().begin(), converted.span<double>().end()};
  }
  std::vector<double> zeros() const {
    return std::vector<double>(static_cast<std::size_t>(geometry.input_shape().numel()));
  }
  static std::size_t at(std::int64_t image, std::int64_t row, std::int64_t column, std::int64_t channel, Size2D size,
                        std::int64_t depth) {
    return static_cast<std::size_t>(((image * size.height + row) * size.width + column) * depth + channel);
  }
  double pixel(std::int64_t image, std::int64_t row, std::int64_t column, std::int64_t channel) const {
    return input[at(image, row, column, channel, {height, width}, channels)];
  }
  /// Weight of a tap from an input channel to a filter of its group.
  double weight(std::int64_t row, std::int64_t column, std::int64_t filter, std::int64_t channel) const {
    return kernel[at(row, column, filter % group_filters, channel, {geometry.kernel.width, group_filters}, channels)];
  }
  std::size_t place(std::int64_t image, std::int64_t row, std::int64_t column, std::int64_t filter) const {
    return at(image, row, column, filter, geometry.input, filters);
  }
  bool inside(std::int64_t row, std::int64_t column) const {
    return row >= 0 && column >= 0 && row < geometry.input.height && column < geometry.input.width;
  }
};

/// Calls visit(row, column, filter, channel, tap row, tap column) for each product of one image: an input pixel, a
/// filter of its group and a tap.
template <class Visit>
void each_product(const Plain& p, Visit&& visit) {
  for (std::int64_t row = 0; row < p.height; ++row)
    for (std::int64_t column = 0; column < p.width; ++column)
      for (std::int64_t channel = 0; channel < p.channels; ++channel)
        for (std::int64_t f = 0; f < p.group_filters; ++f)
          for (std::int64_t r = 0; r < p.geometry.kernel.height; ++r)
            for (std::int64_t c = 0; c < p.geometry.kernel.width; ++c)
              visit(row, column, channel / p.group_inputs * p.group_filters + f, channel, r, c);
}

/// Every input pixel lays its tile, pixel times kernel, on the output.
std::vector<double> stamping(const Plain& p) {
  auto output = p.zeros();
  const auto& g = p.geometry;
  for (std::int64_t image = 0; image < g.batch; ++image)
    each_product(p, [&](auto row, auto column, auto filter, auto channel, auto r, auto c) {
      const std::int64_t y = row * g.stride.height + r * g.dilation.height - g.pad.top;
      const std::int64_t x = column * g.stride.width + c * g.dilation.width - g.pad.left;
      if (p.inside(y, x))
        output[p.place(image, y, x, filter)] += p.pixel(image, row, column, channel) * p.weight(r, c, filter, channel);
    });
  return output;
}

/// Zeros between the pixels, a border of span - 1 - crop, then an ordinary convolution with the kernel flipped.
std::vector<double> zero_insertion(const Plain& p) {
  auto output = p.zeros();
  const auto& g = p.geometry;
  const Size2D span = g.span(), kernel = g.kernel;
  // What the spread image holds at (y, x): a pixel where the strides say so, zero elsewhere.
  const auto spread = [&](std::int64_t image, std::int64_t y, std::int64_t x, std::int64_t channel) {
    if (y < 0 || x < 0 || y % g.stride.height != 0 || x % g.stride.width != 0) return 0.0;
    const std::int64_t row = y / g.stride.height, column = x / g.stride.width;
    return row < p.height && column < p.width ? p.pixel(image, row, column, channel) : 0.0;
  };
  for (std::int64_t image = 0; image < g.batch; ++image)
    for (std::int64_t y = 0; y < g.input.height; ++y)
      for (std::int64_t x = 0; x < g.input.width; ++x)
        for (std::int64_t filter = 0; filter < p.filters; ++filter) {
          const std::int64_t first = filter / p.group_filters * p.group_inputs;
          double sum = 0;
          for (std::int64_t r = 0; r < kernel.height; ++r)
            for (std::int64_t c = 0; c < kernel.width; ++c)
              for (std::int64_t channel = first; channel < first + p.group_inputs; ++channel)
                sum += spread(image, y + g.pad.top - (span.height - 1) + r * g.dilation.height,
                              x + g.pad.left - (span.width - 1) + c * g.dilation.width, channel) *
                       p.weight(kernel.height - 1 - r, kernel.width - 1 - c, filter, channel);
          output[p.place(image, y, x, filter)] = sum;
        }
  return output;
}

/// The convolution that goes the other way as a matrix, a row for each of our inputs; then its transpose times our
/// input.
std::vector<double> transposed_matrix(const Plain& p) {
  struct Entry {
    std::size_t row, column;
    double weight;
  };
  const auto& g = p.geometry;
  std::vector<Entry> matrix;
  each_product(p, [&](auto row, auto column, auto filter, auto channel, auto r, auto c) {
    const std::int64_t y = row * g.stride.height - g.pad.top + r * g.dilation.height;
    const std::int64_t x = column * g.stride.width - g.pad.left + c * g.dilation.width;
    if (p.inside(y, x))
      matrix.push_back({Plain::at(0, row, column, channel, {p.height, p.width}, p.channels), p.place(0, y, x, filter),
                        p.weight(r, c, filter, channel)});
  });
  for (auto& entry : matrix) std::swap(entry.row, entry.column);
  auto output = p.zeros();
  const std::size_t batch = static_cast<std::size_t>(g.batch);
  for (std::size_t image = 0; image < batch; ++image)
    for (const auto& [row, column, weight] : matrix)
      output[image * (output.size() / batch) + row] += weight * p.input[image * (p.input.size() / batch) + column];
  return output;
}

std::vector<double> finished(const Options& options, const Case& given, const Plain& p, std::vector<double> sums) {
  if (given.bias.defined()) {
    const auto bias = Plain::doubles(given.bias);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += bias[i % bias.size()];
  }
  return Plain::doubles(activate(Tensor::from(sums, p.geometry.input_shape()), options.layer.activation));
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    most = std::isnan(difference) ? INFINITY : std::max(most, difference);
  }
  return most;
}

}  // namespace

Verdict verify(const Options& options, const Case& given, const Result& result) {
  constexpr std::int64_t most_products = 1 << 24;
  const std::int64_t products = options.geometry().multiply_adds();
  if (products > most_products)
    raise<ValueError>("--verify",
                      "{} multiply-adds are more than the {} (2^24) that four ways are computed for; try a "
                      "smaller input",
                      products, most_products);
  const Plain p(options, given);
  const std::pair<const char*, std::vector<double>> ways[] = {
      {"stamping", finished(options, given, p, stamping(p))},
      {"zero insertion, convolution with the flipped kernel", finished(options, given, p, zero_insertion(p))},
      {"transpose of the convolution's matrix", finished(options, given, p, transposed_matrix(p))},
      {"the library", Plain::doubles(result.output)}};
  double largest = 0, furthest = 0;
  for (const double value : ways[3].second) largest = std::max(largest, std::abs(value));
  for (const auto& a : ways)
    for (const auto& b : ways) furthest = std::max(furthest, distance(a.second, b.second));

  Verdict verdict{.text = "The output in four ways, largest difference from the library's:\n"};
  for (const auto& [name, output] : ways)
    verdict.text += fmt::format("  {:<52} {:.3g}\n", name, distance(output, ways[3].second));
  const double allowed = (given.input.dtype() == f64 ? 1e-12 : 1e-5) * std::max(largest, 1.0);
  verdict.agrees = furthest <= allowed;
  verdict.text += fmt::format("Furthest apart {:.3g}, where the largest output is {}: {}\n", furthest,
                              number_text(largest), verdict.agrees ? "they agree" : "they do NOT agree");
  return verdict;
}

}  // namespace conv_transpose
