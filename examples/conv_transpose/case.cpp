#include "case.hpp"

#include <tessera/core/ops/permute.hpp>
#include <tessera/interop/safetensors.hpp>

namespace conv_transpose {
namespace {

Tensor required(const SafetensorsFile& file, const std::string& origin, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    std::string names;
    for (const auto& [known, tensor] : file.tensors) names += (names.empty() ? "" : ", ") + known;
    raise<IoError>(origin, "holds no tensor named '{}'; it holds {}", name, names.empty() ? "none" : names);
  }
  return found->second;
}

/// A tensor of the file; undefined where there is none. IoError unless it has the input's type.
Tensor optional(const SafetensorsFile& file, const std::string& origin, const std::string& name) {
  const Tensor input = required(file, origin, "input");
  if (!is_float(input.dtype())) raise<IoError>(origin, "'input' is {}, expected F32 or F64", name_of(input.dtype()));
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) return {};
  if (found->second.dtype() != input.dtype())
    raise<IoError>(origin, "'{}' is {}, expected {} as 'input' is", name, name_of(found->second.dtype()),
                   name_of(input.dtype()));
  return found->second;
}

void require_shape(const std::string& origin, const std::string& name, const Tensor& tensor, const Shape& expected) {
  if (tensor.defined() && tensor.shape() != expected)
    raise<IoError>(origin, "'{}' has shape {}, expected {}", name, tensor.shape().str(), expected.str());
}

/// Takes `found` into an option, which must be unset or say the same.
template <class T>
void agree(const std::string& origin, const char* option, T& value, const T& unset, const T& found) {
  if (value != unset && value != found) raise<ValueError>(option, "says otherwise than the shapes in {}", origin);
  value = found;
}

Case load_case(const Options& options) {
  const std::string origin = options.load.string();
  const SafetensorsFile file = read_safetensors(options.load);
  Case loaded{.input = required(file, origin, "input"),
              .kernel = required(file, origin, "kernel"),
              .bias = options.layer.use_bias ? optional(file, origin, "bias") : Tensor(),
              .output_grad = optional(file, origin, "output_grad")};
  const ConvGeometry geometry = options.geometry();
  require_shape(origin, "bias", loaded.bias, {options.layer.filters});
  require_shape(origin, "output_grad", loaded.output_grad, geometry.input_shape());
  return loaded;
}

/// 1, 2, 3, ... row by row through each channel: [N, C, H, W] counted, then moved to [N, H, W, C].
Tensor count_images(const Shape& shape) {
  const Tensor counted = Tensor::arange(shape.numel() + 1).reshape({-1});
  const auto numbers = counted.span<float>().subspan(1);
  return permute(Tensor::from(numbers, Shape{shape[0], shape[3], shape[1], shape[2]}), {0, 2, 3, 1});
}

/// The same through each [kh, kw] plane of a kernel [kh, kw, filters / groups, in]: a filter's planes one after
/// another.
Tensor count_taps(const Shape& shape) {
  const Tensor planes = count_images({shape[2], shape[0], shape[1], shape[3]});
  return permute(planes, {1, 2, 0, 3});
}

}  // namespace

void read_shapes(Options& options) {
  const std::string origin = options.load.string();
  const SafetensorsFile file = read_safetensors(options.load);
  const Tensor input = required(file, origin, "input");
  required(file, origin, "kernel");
  const Tensor kernel = optional(file, origin, "kernel");
  if (input.rank() != 4) raise<IoError>(origin, "'input' has shape {}, expected [N, H, W, C]", input.shape().str());
  if (kernel.rank() != 4)
    raise<IoError>(origin, "'kernel' has shape {}, expected [kh, kw, filters / groups, C]", kernel.shape().str());
  if (kernel.size(3) != input.size(3))
    raise<IoError>(origin, "'kernel' {} takes {} channels, 'input' {} has {}", kernel.shape().str(), kernel.size(3),
                   input.shape().str(), input.size(3));
  auto& layer = options.layer;
  agree(origin, "--input-shape", options.input, Size2D(0), {input.size(1), input.size(2)});
  agree<std::int64_t>(origin, "--input-shape", layer.in_channels, 0, input.size(3));
  agree<std::int64_t>(origin, "--batch", options.batch, 1, input.size(0));
  agree<std::int64_t>(origin, "--filters", layer.filters, 0, kernel.size(2) * layer.groups);
  agree(origin, "--kernel-size", layer.kernel_size, Size2D(0), {kernel.size(0), kernel.size(1)});
  layer.use_bias = layer.use_bias && file.tensors.contains("bias");
}

Case make_case(const Options& options) {
  if (!options.load.empty()) return load_case(options);
  Case made;
  if (options.values == Values::ones) {
    made.input = Tensor::ones(options.input_shape());
    made.kernel = Tensor::ones(options.kernel_shape());
  } else if (options.values == Values::ramp) {
    made.input = count_images(options.input_shape());
    made.kernel = count_taps(options.kernel_shape());
  } else {
    made.input = Tensor::empty(options.input_shape());
    initializer::uniform(-1, 1)(made.input, RandomStream(options.seed, stream_of("input")));
    Conv2DTranspose layer(options.layer);
    layer.initialize(options.seed);
    made.kernel = layer.state_dict().at("kernel");
  }
  if (options.layer.use_bias) made.bias = Tensor::zeros({options.layer.filters});
  return made;
}

Result run(const Options& options, const Case& given) {
  Conv2DTranspose layer(options.layer);
  layer.to(given.input.dtype());
  StateDict weights{{"kernel", given.kernel}};
  if (given.bias.defined()) weights["bias"] = given.bias;
  layer.load_state_dict(weights);

  Tensor input = given.input.clone().set_requires_grad(given.output_grad.defined());
  const DataFormat format = options.layer.data_format;
  Result result;
  result.output = to_channels_last(layer(from_channels_last(input, format)), format);
  if (given.output_grad.defined()) {
    result.output.backward(given.output_grad);
    result.input_grad = input.grad();
    for (const auto& [path, parameter] : layer.named_parameters())
      (path == "kernel" ? result.kernel_grad : result.bias_grad) = parameter.grad();
  }
  result.output = result.output.detach();
  return result;
}

void save(const Options& options, const Result& result) {
  std::map<std::string, Tensor> tensors{{"output", result.output}};
  if (result.input_grad.defined()) tensors["input_grad"] = result.input_grad;
  if (result.kernel_grad.defined()) tensors["kernel_grad"] = result.kernel_grad;
  if (result.bias_grad.defined()) tensors["bias_grad"] = result.bias_grad;
  write_safetensors(options.save, tensors);
}

}  // namespace conv_transpose
