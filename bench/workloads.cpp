#include "workloads.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/layers/summary.hpp>

namespace bench {

using namespace tessera;

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all{
      {"tiny64", {.name = "tiny", .classes = 4}, 8, 64},
      {"tiny128", {.name = "tiny", .classes = 4}, 8, 128},
      {"unet16", {.name = "unet", .classes = 2, .width = 16, .depth = 3}, 4, 128},
      {"unet32", {.name = "unet", .classes = 2, .width = 32, .depth = 4}, 2, 256},
  };
  return all;
}

Workload workload(const std::string& name) {
  std::vector<std::string> names;
  for (const Workload& w : workloads()) {
    if (w.name == name) return w;
    names.push_back(w.name);
  }
  throw ValueError(fmt::format("no workload {}; there are {}", name, fmt::join(names, ", ")));
}

Tensor image_waves(const Workload& w) {
  Tensor x = Tensor::empty({w.batch, w.side, w.side, w.model.in_channels});
  float* out = x.mutable_data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i)));
  return x;
}

Tensor striped_labels(const Workload& w) {
  Tensor labels = Tensor::empty({w.batch, w.side, w.side}, i32);
  auto* out = labels.mutable_data<std::int32_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) out[i] = static_cast<std::int32_t>(i / 3 % w.model.classes);
  return labels;
}

namespace {

using Sizes = std::vector<std::int64_t>;

Size2D pair_of(const TracedOp& op, const char* attribute) {
  const Sizes sizes = attribute_or<Sizes>(op.attributes, attribute, {1, 1});
  return {sizes[0], sizes[1]};
}

ConvGeometry geometry_of(const TracedOp& op, bool transposed) {
  const Sizes pads = attribute_or<Sizes>(op.attributes, "pads", {0, 0, 0, 0});
  const ConvOptions options{.strides = pair_of(op, "strides"),
                            .padding = Sides{.top = pads[0], .bottom = pads[2], .left = pads[1], .right = pads[3]},
                            .dilation_rate = pair_of(op, "dilation_rate"),
                            .groups = attribute_or<std::int64_t>(op.attributes, "groups", 1)};
  return conv2d_geometry((transposed ? op.outputs[0] : op.inputs[0]).shape(), op.inputs[1].shape(), options);
}

}  // namespace

std::vector<NetworkConv> convolutions(const Workload& w) {
  const auto model = make_model(w.model);
  const Trace traced = trace(*model, {w.batch, w.side, w.side, w.model.in_channels});
  const void* image = traced.ops.front().inputs[0].identity();
  std::vector<NetworkConv> found;
  for (const TracedOp& op : traced.ops) {
    const bool transposed = op.name == "conv2d_transpose";
    if (transposed || op.name == "conv2d")
      found.push_back({op.path, geometry_of(op, transposed), transposed, op.inputs[0].identity() == image});
  }
  return found;
}

double gigaflops(const Workload& w, bool infer) {
  double flops = 0;
  for (const NetworkConv& conv : convolutions(w)) {
    const int passes = infer ? 1 : conv.reads_image ? 2 : 3;
    flops += 2.0 * passes * static_cast<double>(conv.geometry.multiply_adds());
  }
  return flops / 1e9;
}

}  // namespace bench
