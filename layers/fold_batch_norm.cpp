#include <algorithm>
#include <cmath>
#include <set>
#include <tessera/layers/fold_batch_norm.hpp>
#include <tessera/layers/summary.hpp>

namespace tessera {
namespace {

/// A normalisation and the convolution that takes it in.
struct Pair {
  Module conv, norm;
  double epsilon;
  bool transposed;
  std::int64_t groups;
};

template <class... Args>
[[noreturn]] void refuse(const TracedOp& norm, fmt::format_string<Args...> text, Args&&... args) {
  raise<ValueError>("fold_batch_norm", "{} {}", norm.path.empty() ? norm.name : norm.path,
                    fmt::format(text, std::forward<Args>(args)...));
}

std::string described(const TracedOp& op) {
  return op.path.empty() ? op.name : fmt::format("{} ({})", op.path, op.name);
}

/// The module of one of these classes whose own tensor of that name is this one: one or none.
std::vector<Module> owners(const Module& model, const std::set<std::string>& types, const char* name,
                           const Tensor& tensor) {
  std::vector<Module> found, pending{model};
  while (!pending.empty()) {
    const Module module = pending.back();
    pending.pop_back();
    const Tensor own = module.own(name);
    if (own.defined() && own.identity() == tensor.identity() && types.contains(module.type_name()))
      found.push_back(module);
    for (const auto& child : module.children()) pending.push_back(child.second);
  }
  return found;
}

bool is_convolution(const TracedOp& op) { return op.name == "conv2d" || op.name == "conv2d_transpose"; }

std::int64_t count_readers(const Trace& traced, const Tensor& tensor) {
  std::int64_t readers = 0;
  for (const TracedOp& op : traced.ops)
    for (const Tensor& input : op.inputs) readers += input.defined() && input.identity() == tensor.identity();
  return readers;
}

Pair find_pair(const Layer& model, const Trace& traced, const TracedOp& norm) {
  const auto norms = owners(model, {"BatchNorm2D"}, "running_mean", norm.inputs[3]);
  if (norms.empty()) refuse(norm, "normalises outside a BatchNorm2D layer");
  if (norms[0].training() || attribute_or<bool>(norm.attributes, "training", false))
    refuse(norm, "normalises by the statistics of the batch, as in training: call eval() first");
  const auto conv = std::find_if(traced.ops.begin(), traced.ops.end(), [&](const TracedOp& op) {
    return std::any_of(op.outputs.begin(), op.outputs.end(),
                       [&](const Tensor& output) { return output.identity() == norm.inputs[0].identity(); });
  });
  if (conv == traced.ops.end() || !is_convolution(*conv))
    refuse(norm, "does not directly follow a convolution: it reads {}",
           conv == traced.ops.end() ? "the input" : "the output of " + described(*conv));
  const auto convs = owners(model, {"Conv2D", "Conv2DTranspose"}, "kernel", conv->inputs[1]);
  if (convs.empty()) refuse(norm, "follows {}, which is not a layer of the model", described(*conv));
  if (count_readers(traced, norm.inputs[0]) > 1)
    refuse(norm, "is not the only one that reads the output of {}", described(*conv));
  if (count_readers(traced, conv->inputs[1]) > 1 || count_readers(traced, norm.inputs[3]) > 1)
    refuse(norm, "or the convolution before it, {}, runs more than once", described(*conv));
  return {convs[0], norms[0], attribute_or<double>(norm.attributes, "epsilon", 0), conv->name == "conv2d_transpose",
          attribute_or<std::int64_t>(conv->attributes, "groups", 1)};
}

std::vector<double> channel_values(const Tensor& tensor, std::size_t channels, double otherwise) {
  if (!tensor.defined()) return std::vector<double>(channels, otherwise);
  const Tensor values = tensor.detach().to(f64);
  return {values.span<double>().begin(), values.span<double>().end()};
}

/// Multiplies the weights of each output channel: the last axis of a convolution's kernel [kh, kw, in/groups, out]; of
/// a transposed one's, [kh, kw, out/groups, in], the third, in the group that the input channel belongs to.
void scale_kernel(Tensor kernel, const std::vector<double>& scale, bool transposed, std::int64_t groups) {
  const std::int64_t rows = kernel.size(2), columns = kernel.size(3);
  dispatch_float(kernel.dtype(), "fold_batch_norm", [&](auto zero) {
    using T = decltype(zero);
    T* const weights = kernel.mutable_data<T>();
    for (std::int64_t i = 0; i < kernel.numel(); ++i) {
      const std::int64_t row = i / columns % rows, column = i % columns;
      const double factor =
          scale[static_cast<std::size_t>(transposed ? column / (columns / groups) * rows + row : column)];
      weights[i] = static_cast<T>(static_cast<double>(weights[i]) * factor);
    }
  });
}

void fold(Pair& pair) {
  const DType dtype = pair.conv.own("kernel").dtype();
  std::vector<double> mean = channel_values(pair.norm.own("running_mean"), 0, 0);
  const std::size_t channels = mean.size();
  const auto variance = channel_values(pair.norm.own("running_var"), channels, 1);
  auto scale = channel_values(pair.norm.own("gamma"), channels, 1);
  auto shift = channel_values(pair.norm.own("beta"), channels, 0);
  Tensor bias = pair.conv.own("bias");
  const auto before = channel_values(bias, channels, 0);
  for (std::size_t c = 0; c < channels; ++c) {
    scale[c] /= std::sqrt(variance[c] + pair.epsilon);
    shift[c] += scale[c] * (before[c] - mean[c]);
  }
  scale_kernel(pair.conv.own("kernel"), scale, pair.transposed, pair.groups);
  const Tensor folded = Tensor::from(shift, {static_cast<std::int64_t>(channels)}).to(dtype);
  if (bias.defined())
    bias.copy_(folded);
  else
    pair.conv.add_parameter("bias", folded);
  for (const char* name : {"gamma", "beta", "running_mean", "running_var"})
    if (pair.norm.own(name).defined()) pair.norm.remove(name);
}

}  // namespace

std::vector<std::string> fold_batch_norm(Layer& model, const Shape& input) {
  const Trace traced = trace(model, input);
  std::vector<Pair> pairs;
  for (const TracedOp& op : traced.ops)
    if (op.name == "batch_norm") pairs.push_back(find_pair(model, traced, op));
  std::vector<std::string> folded;
  for (Pair& pair : pairs) {
    fold(pair);
    folded.push_back(pair.norm.path());
  }
  return folded;
}

}  // namespace tessera
