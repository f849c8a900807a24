#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/resample.hpp>
#include <tessera/core/ops/upsample.hpp>

namespace tessera {
namespace {

using kernels::AxisWeights;

AxisWeights nearest_weights(std::int64_t inputs, std::int64_t outputs) {
  AxisWeights axis{inputs, {}};
  // In float, as PyTorch: where its product falls just short of an integer, so does ours.
  const float scale = static_cast<float>(inputs) / static_cast<float>(outputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const auto source = static_cast<std::int64_t>(std::floor(static_cast<float>(i) * scale));
    axis.outputs.push_back({{std::min(source, inputs - 1), 1.0}});
  }
  return axis;
}

AxisWeights bilinear_weights(std::int64_t inputs, std::int64_t outputs, bool align_corners) {
  AxisWeights axis{inputs, {}};
  const auto n = static_cast<double>(inputs), m = static_cast<double>(outputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const auto at = static_cast<double>(i);
    const double source = align_corners ? (outputs > 1 ? at * (n - 1) / (m - 1) : 0) : (at + 0.5) * n / m - 0.5;
    const double inside = std::clamp(source, 0.0, n - 1);
    const auto low = static_cast<std::int64_t>(inside);
    const double weight = inside - static_cast<double>(low);
    axis.outputs.push_back({{low, 1 - weight}});
    if (weight > 0) axis.outputs.back().push_back({low + 1, weight});
  }
  return axis;
}

Tensor resampled(const Tensor& x, const AxisWeights& rows, const AxisWeights& columns) {
  Tensor y = Tensor::empty({x.size(0), rows.size(), columns.size(), x.size(3)}, x.dtype());
  dispatch_float(x.dtype(), "upsample", [&](auto zero) {
    using T = decltype(zero);
    kernels::resample(rows, columns, x.size(0), x.size(3), x.data<T>(), y.mutable_data<T>());
  });
  return y;
}

struct UpsampleNode final : Node {  // saves each axis's weights;  grad_input = the transposed map of grad_output
  UpsampleNode(AxisWeights rows, AxisWeights columns, const UpsampleOptions& options)
      : rows_(std::move(rows)), columns_(std::move(columns)), options_(options) {}
  std::string_view name() const override { return "upsample"; }
  Attributes attributes() const override {
    return {{"output_size", std::vector<std::int64_t>{rows_.size(), columns_.size()}},
            {"interpolation", std::string(options_.interpolation == nearest ? "nearest" : "bilinear")},
            {"align_corners", options_.align_corners}};
  }
  Grads backward(const Tensor& grad_output, Needs) override {
    return {resampled(grad_output, rows_.transposed(), columns_.transposed())};
  }
  AxisWeights rows_, columns_;
  UpsampleOptions options_;
};

}  // namespace

Tensor upsample(const Tensor& x, const UpsampleOptions& options) {
  if (x.rank() != 4 || x.size(1) == 0 || x.size(2) == 0)
    raise<ShapeError>("upsample", "expected an image [N, H, W, C] of 1 or more pixels, got {}", x.shape().str());
  const Size2D size =
      options.output_size.value_or(Size2D(x.size(1) * options.size.height, x.size(2) * options.size.width));
  if (size.height < 1 || size.width < 1)
    raise<ShapeError>("upsample", "expected an output height and width of 1 or more, got {}x{}", size.height,
                      size.width);
  if (options.align_corners && options.interpolation == nearest)
    raise<ValueError>("upsample", "align_corners needs bilinear interpolation; nearest takes whole pixels");
  const auto weights = [&](std::int64_t inputs, std::int64_t outputs) {
    return options.interpolation == nearest ? nearest_weights(inputs, outputs)
                                            : bilinear_weights(inputs, outputs, options.align_corners);
  };
  AxisWeights rows = weights(x.size(1), size.height), columns = weights(x.size(2), size.width);
  Tensor y = resampled(x, rows, columns);
  return record<UpsampleNode>(y, {x}, std::move(rows), std::move(columns), options);
}

}  // namespace tessera
