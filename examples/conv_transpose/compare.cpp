#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tessera/core/ops/activation.hpp>

#include "overlap.hpp"

namespace conv_transpose {
namespace {

std::string tuple(std::int64_t a, std::int64_t b) { return fmt::format("({}, {})", a, b); }
std::string tuple(Size2D size) { return tuple(size.height, size.width); }

bool is_linear(const Options& options) { return options.layer.activation == activation::linear; }

std::string named(const Options& options) { return std::string(name_of(options.layer.activation)); }

/// What Keras cannot say; empty where it can.
std::string keras_lacks(const Options& options) {
  const auto& layer = options.layer;
  if (layer.groups > 1) return fmt::format("groups={}: Keras' Conv2DTranspose has none", layer.groups);
  if (std::max(layer.strides.height, layer.strides.width) > 1 &&
      std::max(layer.dilation_rate.height, layer.dilation_rate.width) > 1)
    return fmt::format("strides={} together with dilation_rate={}: Keras refuses both above 1", layer.strides.str(),
                       layer.dilation_rate.str());
  if (layer.output_padding &&
      (layer.output_padding->height >= layer.strides.height || layer.output_padding->width >= layer.strides.width))
    return fmt::format("output_padding={}: Keras wants it below strides", layer.output_padding->str());
  return "";
}

std::string keras(const Options& options) {
  if (const std::string lacks = keras_lacks(options); !lacks.empty())
    return "# Keras has no equivalent: " + lacks + ".\n";
  const auto& layer = options.layer;
  const bool sides = layer.padding.kind == Padding::Kind::sides;
  const bool first = layer.data_format == channels_first;
  std::string text = fmt::format(
      "# Keras. kernel and bias as they are, [kh, kw, filters, in]: no permutation.\n"
      "import keras\n\n"
      "layer = keras.layers.Conv2DTranspose(\n"
      "    filters={}, kernel_size={}, strides={}, padding=\"{}\", output_padding={}, dilation_rate={},\n"
      "    data_format=\"{}\", activation={}, use_bias={})\n",
      layer.filters, tuple(layer.kernel_size), tuple(layer.strides), sides ? "valid" : text_of(layer.padding),
      layer.output_padding ? tuple(*layer.output_padding)
      : sides              ? "(0, 0)"
                           : "None",
      tuple(layer.dilation_rate), first ? "channels_first" : "channels_last",
      is_linear(options) ? "None" : "\"" + named(options) + "\"", layer.use_bias ? "True" : "False");
  const auto refused = [](const Axis& axis) {
    const std::int64_t output = geometry_of(axis).input.height;
    return (output + axis.stride - 1) / axis.stride != axis.input;
  };
  if (layer.padding == same && (refused(height_of(options)) || refused(width_of(options))))
    text +=
        "# Keras on TensorFlow refuses it, because input is not ceil(output / strides); its other backends do not.\n";
  if (std::max(layer.dilation_rate.height, layer.dilation_rate.width) > 1)
    text += "# TensorFlow's CPU kernels refuse a dilation_rate above 1; XLA and Keras' other backends do not.\n";
  text += "layer.build(x.shape)\n";
  text += layer.use_bias ? "layer.set_weights([kernel, bias])\n" : "layer.set_weights([kernel])\n";
  text += "y = layer(x)\n";
  if (sides) {
    const auto [top, bottom, left, right] = layer.padding.sides;
    text += fmt::format(
        "# Keras takes no numbers for padding, so the crop is a layer of its own:\n"
        "y = keras.layers.Cropping2D((({}, {}), ({}, {})), data_format=\"{}\")(y)\n",
        top, bottom, left, right, first ? "channels_first" : "channels_last");
  }
  return text;
}

/// One axis of PyTorch's layer: it crops `padding` at both ends, then gives output_padding back at the end; what is
/// left to cut off stands in begin and end.
struct TorchAxis {
  std::int64_t padding, output_padding, begin, end;
};

TorchAxis torch_axis(const Axis& axis) {
  const ConvGeometry geometry = geometry_of(axis);
  const std::int64_t begin = geometry.pad.top, end = geometry.pad.bottom;
  if (begin >= end && begin - end < std::max(axis.stride, axis.dilation)) return {begin, begin - end, 0, 0};
  const std::int64_t padding = std::max<std::int64_t>(std::min(begin, end), 0);
  return {padding, std::max<std::int64_t>(-end, 0), begin - padding, std::max<std::int64_t>(end, 0) - padding};
}

std::string slice(std::int64_t begin, std::int64_t end) {
  return fmt::format("{}:{}", begin > 0 ? fmt::format("{}", begin) : "", end > 0 ? fmt::format("{}", -end) : "");
}

std::string torch_activation(const Options& options) {
  const auto kind = options.layer.activation.kind;
  using Kind = Activation::Kind;
  const std::string name = kind == Kind::hard_swish ? "hardswish" : named(options);
  std::string arguments;
  if (kind == Kind::leaky_relu) arguments = fmt::format(", negative_slope={}", options.layer.activation.slope);
  if (kind == Kind::elu) arguments = fmt::format(", alpha={}", options.layer.activation.slope);
  const bool plain = kind == Kind::sigmoid || kind == Kind::tanh;
  return is_linear(options) ? "" : fmt::format("y = torch.{}{}(y{})\n", plain ? "" : "nn.functional.", name, arguments);
}

std::string torch(const Options& options) {
  const auto& layer = options.layer;
  const TorchAxis rows = torch_axis(height_of(options)), columns = torch_axis(width_of(options));
  std::string text = fmt::format(
      "# PyTorch. The kernel as (in, filters / groups, kh, kw): permute(3, 2, 0, 1), no flip; images as [N, C, H, W].\n"
      "import torch\n\n"
      "layer = torch.nn.ConvTranspose2d(\n"
      "    in_channels={}, out_channels={}, kernel_size={}, stride={}, padding={}, output_padding={},\n"
      "    groups={}, bias={}, dilation={})\n",
      layer.in_channels, layer.filters, tuple(layer.kernel_size), tuple(layer.strides),
      tuple(rows.padding, columns.padding), tuple(rows.output_padding, columns.output_padding), layer.groups,
      layer.use_bias ? "True" : "False", tuple(layer.dilation_rate));
  text += "with torch.no_grad():\n    layer.weight.copy_(torch.as_tensor(kernel).permute(3, 2, 0, 1))\n";
  if (layer.use_bias) text += "    layer.bias.copy_(torch.as_tensor(bias))\n";
  text += layer.data_format == channels_first ? "y = layer(torch.as_tensor(x))\n"
                                              : "y = layer(torch.as_tensor(x).permute(0, 3, 1, 2))\n";
  if (rows.begin + rows.end + columns.begin + columns.end > 0)
    text += fmt::format(
        "# {} no equivalent in ConvTranspose2d, which crops both\n"
        "# ends alike and gives back at the end; so the rest is cut off here:\n"
        "y = y[:, :, {}, {}]\n",
        layer.padding == same ? "'same' with an odd kernel span - stride has" : "These crops have",
        slice(rows.begin, rows.end), slice(columns.begin, columns.end));
  return text + torch_activation(options) + (layer.data_format == channels_first ? "" : "y = y.permute(0, 2, 3, 1)\n");
}

/// The nodes after "conv", each as its operator, inputs, output and attributes.
std::string onnx_activation(const Options& options) {
  using Kind = Activation::Kind;
  const auto [kind, slope] = options.layer.activation;
  const auto node = [](const std::string& words) { return fmt::format("nodes.append(make_node({}))\n", words); };
  const auto single = [&](const char* name) { return node(fmt::format("\"{}\", [\"conv\"], [\"y\"]", name)); };
  const auto sloped = [&, alpha = slope](const char* name) {
    return node(fmt::format("\"{}\", [\"conv\"], [\"y\"], alpha={:#}", name, alpha));
  };
  switch (kind) {
    case Kind::linear:
      return "";
    case Kind::relu:
      return single("Relu");
    case Kind::leaky_relu:
      return sloped("LeakyRelu");
    case Kind::elu:
      return sloped("Elu");
    case Kind::selu:
      return single("Selu");
    case Kind::gelu:
      return single("Gelu");
    case Kind::silu:
      return node("\"Sigmoid\", [\"conv\"], [\"gate\"]") + node("\"Mul\", [\"conv\", \"gate\"], [\"y\"]");
    case Kind::sigmoid:
      return single("Sigmoid");
    case Kind::tanh:
      return single("Tanh");
    case Kind::softplus:
      return single("Softplus");
    case Kind::hard_swish:
      break;
  }
  return single("HardSwish");
}

std::string onnx(const Options& options) {
  const ConvGeometry geometry = options.geometry();
  const auto list = [](Size2D size) { return fmt::format("[{}, {}]", size.height, size.width); };
  // A negative crop appends, which ONNX says with output_padding.
  const auto crop = [](std::int64_t side) { return std::max<std::int64_t>(side, 0); };
  const Sides pad = geometry.pad;
  const bool bias = options.layer.use_bias, last = options.layer.data_format == channels_last;
  const auto images = [](std::int64_t batch, std::int64_t channels, Size2D size) {
    return Shape{batch, channels, size.height, size.width}.str();
  };
  return fmt::format(
             "# ONNX. The kernel as (in, filters / groups, kh, kw): permute(3, 2, 0, 1), no flip; images as [N, C, H, "
             "W].\n"
             "# pads are top, left, bottom, right; auto_pad is left out, because its rounding differs.\n"
             "import onnx\n"
             "import onnxruntime\n"
             "from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info\n\n"
             "nodes = [make_node(\"ConvTranspose\", [\"x\", \"kernel\"{}], [\"{}\"], kernel_shape={}, strides={},\n"
             "    pads=[{}, {}, {}, {}], output_padding={}, dilations={}, group={})]\n",
             bias ? ", \"bias\"" : "", is_linear(options) ? "y" : "conv", list(geometry.kernel), list(geometry.stride),
             crop(pad.top), crop(pad.left), crop(pad.bottom), crop(pad.right),
             list({crop(-pad.bottom), crop(-pad.right)}), list(geometry.dilation), geometry.groups) +
         onnx_activation(options) +
         fmt::format(
             "weights = [onnx.numpy_helper.from_array(kernel.transpose(3, 2, 0, 1), \"kernel\"){}]\n"
             "x_info = make_tensor_value_info(\"x\", onnx.TensorProto.FLOAT, {})\n"
             "y_info = make_tensor_value_info(\"y\", onnx.TensorProto.FLOAT, {})\n"
             "model = make_model(make_graph(nodes, \"layer\", [x_info], [y_info], weights),\n"
             "    opset_imports=[make_opsetid(\"\", 20)], ir_version=10)\n"
             "session = onnxruntime.InferenceSession(model.SerializeToString())\n"
             "y = session.run(None, {{\"x\": x{}}})[0]{}\n",
             bias ? ", onnx.numpy_helper.from_array(bias, \"bias\")" : "",
             images(options.batch, options.layer.in_channels, options.input),
             images(options.batch, options.layer.filters, geometry.input), last ? ".transpose(0, 3, 1, 2)" : "",
             last ? ".transpose(0, 2, 3, 1)" : "");
}

}  // namespace

std::string compare(const Options& options) {
  return "# x, kernel and bias are NumPy arrays of float32 in the layouts of conv_transpose; y is the output.\n\n" +
         keras(options) + "\n" + torch(options) + "\n" + onnx(options);
}

}  // namespace conv_transpose
