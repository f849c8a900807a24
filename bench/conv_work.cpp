#include "conv_work.hpp"

#include <fmt/format.h>

#include <chrono>
#include <numeric>
#include <set>
#include <span>
#include <tessera/core/kernels/conv.hpp>

#include "machine.hpp"
#include "tests/support/conv_cases.hpp"
#include "workloads.hpp"

namespace bench {

using namespace tessera;

namespace {

ConvShape shape_of(const test::ConvCase& c) {
  return {c.name,
          conv2d_geometry({c.batch, c.input.height, c.input.width, c.in_channels},
                          {c.kernel.height, c.kernel.width, c.in_channels / c.options.groups, c.filters}, c.options)};
}

std::int64_t round_up(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

}  // namespace

std::vector<ConvShape> workload_shapes() {
  std::vector<ConvShape> shapes;
  std::set<std::string> seen;
  for (const Workload& w : workloads())
    for (const NetworkConv& conv : convolutions(w))
      if (seen.insert(describe(conv.geometry)).second)
        shapes.push_back(
            {fmt::format("{} {}{}", w.name, conv.path, conv.transposed ? " (transposed)" : ""), conv.geometry});
  return shapes;
}

std::vector<ConvShape> case_table_shapes() {
  std::vector<ConvShape> shapes;
  for (test::ConvCase c : test::conv_cases()) {
    if (c.batch == 0) continue;
    const Size2D size = c.input;
    std::int64_t factor = std::max<std::int64_t>(48 / std::min(size.height, size.width), 1);
    ConvShape shape;
    do {
      c.input = {size.height * factor, size.width * factor};
      shape = shape_of(c);
      ++factor;
    } while (shape.geometry.multiply_adds() < 1'000'000);
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<ConvShape> odd_shapes() {
  const std::vector<test::ConvCase> cases{
      {"1 channel in", 4, {64, 64}, 1, 16, 3, {.padding = 1}},
      {"3 channels in", 4, {64, 64}, 3, 32, 3, {.padding = 1}},
      {"4 channels in", 4, {64, 64}, 4, 16, 3, {.padding = 1}},
      {"7 channels", 4, {64, 64}, 7, 7, 3, {.padding = 1}},
      {"12 channels", 4, {64, 64}, 12, 12, 3, {.padding = 1}},
      {"17 channels", 4, {64, 64}, 17, 17, 3, {.padding = 1}},
      {"20 channels", 4, {64, 64}, 20, 20, 3, {.padding = 1}},
      {"24 to 40", 4, {64, 64}, 24, 40, 3, {.padding = 1}},
      {"33 to 47", 4, {64, 64}, 33, 47, 3, {.padding = 1}},
      {"65 to 9", 4, {64, 64}, 65, 9, 3, {.padding = 1}},
      {"100 channels, deep", 2, {16, 16}, 100, 100, 3, {.padding = 1}},
      {"1x1 to 2 classes", 4, {128, 128}, 16, 2, 1},
      {"1x1 to 4 classes", 8, {64, 64}, 16, 4, 1},
      {"1x1 to 11 classes", 4, {128, 128}, 32, 11, 1},
      {"1x1, 20 to 20", 4, {64, 64}, 20, 20, 1},
      {"61x67 pixels", 2, {61, 67}, 20, 36, 3, {.padding = 1}},
      {"5x5", 4, {64, 64}, 20, 20, 5, {.padding = 2}},
      {"5x5, 16 channels", 4, {64, 64}, 16, 16, 5, {.padding = 2}},
      {"7x7, first layer", 2, {96, 96}, 3, 32, 7, {.padding = 3}},
      {"7x7, 20 to 33", 2, {48, 48}, 20, 33, 7, {.padding = 3}},
      {"3x1", 2, {64, 64}, 20, 20, {3, 1}, {.padding = same}},
      {"1x3", 2, {64, 64}, 20, 20, {1, 3}, {.padding = same}},
      {"stride 2", 4, {64, 64}, 20, 36, 3, {.strides = 2, .padding = 1}},
      {"stride 2, first layer", 4, {128, 128}, 3, 13, 3, {.strides = 2, .padding = 1}},
      {"2x2 stride 2", 4, {64, 64}, 20, 36, 2, {.strides = 2}},
      {"4x4 stride 2", 4, {64, 64}, 20, 36, 4, {.strides = 2, .padding = 1}},
      {"stride 3, 5x5", 4, {63, 63}, 20, 20, 5, {.strides = 3, .padding = 2}},
      {"dilation 2", 4, {64, 64}, 20, 36, 3, {.padding = 2, .dilation_rate = 2}},
      {"dilation 4", 4, {64, 64}, 20, 20, 3, {.padding = 4, .dilation_rate = 4}},
      {"stride 2, dilation 2", 4, {64, 64}, 20, 20, 3, {.strides = 2, .padding = 2, .dilation_rate = 2}},
      {"2 groups", 4, {64, 64}, 20, 20, 3, {.padding = 1, .groups = 2}},
      {"4 groups", 4, {64, 64}, 36, 36, 3, {.padding = 1, .groups = 4}},
      {"8 groups of 4", 4, {64, 64}, 32, 32, 3, {.padding = 1, .groups = 8}},
      {"5 groups of 7", 4, {64, 64}, 35, 35, 3, {.padding = 1, .groups = 5}},
      {"depthwise, 7", 4, {64, 64}, 7, 7, 3, {.padding = 1, .groups = 7}},
      {"depthwise, 20", 4, {64, 64}, 20, 20, 3, {.padding = 1, .groups = 20}},
      {"depthwise, 100, stride 2", 4, {64, 64}, 100, 100, 3, {.strides = 2, .padding = 1, .groups = 100}},
      {"depthwise, 64, 5x5", 2, {64, 64}, 64, 64, 5, {.padding = 2, .groups = 64}},
      {"one image", 1, {64, 64}, 20, 20, 3, {.padding = 1}},
      {"one image, deep", 1, {16, 16}, 130, 130, 3, {.padding = 1}},
      {"one small image", 1, {8, 8}, 250, 250, 3, {.padding = 1}},
      {"one row", 1, {1, 256}, 20, 20, 3, {.padding = 1}},
  };
  std::vector<ConvShape> shapes;
  for (const test::ConvCase& c : cases) shapes.push_back(shape_of(c));
  return shapes;
}

ConvShape rounded_up(const ConvShape& shape) {
  ConvGeometry g = shape.geometry;
  const bool depthwise = g.groups > 1 && g.groups == g.in_channels;
  const std::int64_t multiplier = g.out_channels / g.groups;
  const std::int64_t multiple = std::lcm<std::int64_t>(16, depthwise ? 1 : g.groups);
  g.in_channels = round_up(g.in_channels, multiple);
  if (depthwise) g.groups = g.in_channels;
  g.out_channels = depthwise ? g.in_channels * multiplier : round_up(g.out_channels, multiple);
  return {shape.name, g};
}

std::string describe(const ConvGeometry& g) {
  std::string text = fmt::format("{}x{}x{}x{} -> {}, {}x{}", g.batch, g.input.height, g.input.width, g.in_channels,
                                 g.out_channels, g.kernel.height, g.kernel.width);
  if (g.stride != Size2D(1)) text += fmt::format(" stride {}", g.stride.str());
  if (g.dilation != Size2D(1)) text += fmt::format(" dilation {}", g.dilation.str());
  if (g.groups != 1) text += fmt::format(" groups {}", g.groups);
  return text;
}

const char* name_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return "forward";
    case Direction::backward_input:
      return "backward-input";
    case Direction::backward_weight:
      return "backward-weight";
  }
  return "";
}

ConvWork::ConvWork(const ConvGeometry& geometry)
    : geometry_(geometry),
      input_(Tensor::full(geometry.input_shape(), 0.3)),
      kernel_(Tensor::full(geometry.kernel_shape(), 0.1)),
      output_(Tensor::full(geometry.output_shape(), 0.2)),
      result_input_(Tensor::zeros(geometry.input_shape())),
      result_kernel_(Tensor::zeros(geometry.kernel_shape())),
      result_output_(Tensor::zeros(geometry.output_shape())) {}

void ConvWork::run(Direction direction) {
  const auto *x = input_.data<float>(), *w = kernel_.data<float>(), *y = output_.data<float>();
  switch (direction) {
    case Direction::forward:
      return kernels::conv_forward(geometry_, x, w, {}, result_output_.mutable_data<float>());
    case Direction::backward_input:
      return kernels::conv_backward_input(geometry_, y, w, {}, result_input_.mutable_data<float>());
    case Direction::backward_weight:
      return kernels::conv_backward_kernel(geometry_, x, y, result_kernel_.mutable_data<float>());
  }
}

void ConvWork::move(Direction direction) {
  const auto read = [](const Tensor& a) { return std::span(a.data<float>(), static_cast<std::size_t>(a.numel())); };
  const auto written = [](Tensor& a) {
    return std::span(a.mutable_data<float>(), static_cast<std::size_t>(a.numel()));
  };
  switch (direction) {
    case Direction::forward:
      return move_numbers(read(input_), written(result_output_));
    case Direction::backward_input:
      return move_numbers(read(output_), written(result_input_));
    case Direction::backward_weight:
      move_numbers(read(input_), {});
      return move_numbers(read(output_), written(result_kernel_));
  }
}

namespace {

template <class Run>
double best_time(const Run& run, double seconds) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  run();
  const Clock::time_point begin = Clock::now();
  for (int runs = 0; runs < 5 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds; ++runs) {
    const Clock::time_point start = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

double best_seconds(ConvWork& work, Direction direction, double seconds) {
  return best_time([&] { work.run(direction); }, seconds);
}
double best_move_seconds(ConvWork& work, Direction direction, double seconds) {
  return best_time([&] { work.move(direction); }, seconds);
}

}  // namespace bench
