#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/channel_sums.hpp>
#include <tessera/core/kernels/conv.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/conv2d.hpp>

namespace tessera {
namespace {

/// conv2d reads the geometry forwards, conv2d_transpose backwards; all else is the same op.
enum class Direction { forward, transposed };

template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

bool joins_epilogue(Activation activation) {
  return activation.kind == Activation::Kind::relu || activation.kind == Activation::Kind::leaky_relu;
}

/// Keeps packed weights with the kernel that they were made from, until it is written to.
class KernelStore final : public kernels::WeightStore {
 public:
  explicit KernelStore(const Tensor& kernel) : kernel_(kernel) {}
  std::shared_ptr<void> find(std::uint64_t key) const override { return kernel_.derived(key); }
  void keep(std::uint64_t key, std::shared_ptr<void> weights) override {
    kernel_.keep_derived(key, std::move(weights));
  }

 private:
  const Tensor& kernel_;
};

/// Whether the convolution reads parts of its input where they are (kernels::conv_reads_parts).
bool reads_parts(const ConvGeometry& geometry, const std::vector<Tensor>& parts) {
  std::vector<std::int64_t> channels;
  for (const Tensor& part : parts) channels.push_back(part.size(-1));
  return parts[0].dtype() == f32 && kernels::conv_reads_parts(geometry, channels);
}

/// The convolution read in `direction` from a source, which may lie in parts if reads_parts, with an optional bias and,
/// where it can join, the activation.
Tensor apply(Direction direction, const ConvGeometry& geometry, const std::vector<Tensor>& source, const Tensor& kernel,
             const Tensor& bias, Activation activation, kernels::WeightStore* store = nullptr) {
  const bool forward = direction == Direction::forward;
  Tensor result = Tensor::empty(forward ? geometry.output_shape() : geometry.input_shape(), kernel.dtype());
  dispatch_float(kernel.dtype(), "conv2d", [&](auto zero) {
    using T = decltype(zero);
    const kernels::Epilogue<T> epilogue{data_or_null<T>(bias), joins_epilogue(activation),
                                        static_cast<T>(activation.slope)};
    if constexpr (std::is_same_v<T, float>)
      if (source.size() > 1) {
        std::vector<kernels::InputPart> parts;
        for (const Tensor& part : source) parts.push_back({part.data<T>(), part.size(-1)});
        return kernels::conv_forward_parts(geometry, parts, kernel.data<T>(), epilogue, result.mutable_data<T>(),
                                           store);
      }
    const auto run = forward ? kernels::conv_forward<T> : kernels::conv_backward_input<T>;
    run(geometry, source[0].data<T>(), kernel.data<T>(), epilogue, result.mutable_data<T>(), store);
  });
  return result;
}

Tensor kernel_gradient(const ConvGeometry& geometry, const Tensor& input, const Tensor& output) {
  Tensor gradient = Tensor::empty(geometry.kernel_shape(), input.dtype());
  dispatch_float(input.dtype(), "conv2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::conv_backward_kernel(geometry, input.data<T>(), output.data<T>(), gradient.mutable_data<T>());
  });
  return gradient;
}

struct SumGradients {
  Tensor sum;   ///< of the convolution's result with its bias, before the activation
  Tensor bias;  ///< undefined unless it was asked for
};

/// Goes back through the activation and adds up the bias' gradient, in one pass where the activation rectifies.
SumGradients sum_gradients(Activation activation, const Tensor& activated, const Tensor& grad_output, bool wants_bias) {
  const bool rectifies = activated.defined() && joins_epilogue(activation);
  const std::int64_t channels = grad_output.size(-1), rows = grad_output.numel() / std::max<std::int64_t>(channels, 1);
  const bool in_place = grad_output.is_unique();
  SumGradients out{grad_output, wants_bias ? Tensor::empty({channels}, grad_output.dtype()) : Tensor()};
  if (rectifies && !in_place)
    out.sum = Tensor::empty(grad_output.shape(), grad_output.dtype());
  else if (activated.defined() && !rectifies)
    out.sum = activation_gradient(activation, activated, grad_output);
  dispatch_float(grad_output.dtype(), "conv2d", [&](auto zero) {
    using T = decltype(zero);
    T* bias = wants_bias ? out.bias.mutable_data<T>() : nullptr;
    if (rectifies)
      kernels::rectified_gradient(activated.data<T>(), grad_output.data<T>(), static_cast<T>(activation.slope), rows,
                                  channels, out.sum.mutable_data<T>(), bias);
    else if (bias)
      kernels::channel_sums(out.sum.data<T>(), rows, channels, bias);
  });
  return out;
}

struct ConvNode final : Node {  // saves the parts of x, kernel and what the activation's derivative is a function of
  ConvNode(Direction direction, const ConvGeometry& geometry, Activation activation, const std::vector<Tensor>& parts,
           const Tensor& kernel, const Tensor& activated)
      : direction_(direction), geometry_(geometry), activation_(activation), kernel_(kernel), activated_(activated) {
    for (const Tensor& part : parts) {
      parts_.emplace_back(part);
      channels_.push_back(part.size(-1));
    }
  }

  std::string_view name() const override { return direction_ == Direction::forward ? "conv2d" : "conv2d_transpose"; }

  Attributes attributes() const override { return geometry_.attributes(); }

  Grads backward(const Tensor& grad_output, Needs needs) override {
    const bool forward = direction_ == Direction::forward;
    const std::size_t count = channels_.size();
    const Tensor activated = activated_.defined() ? activated_.get() : Tensor();
    const auto [grad, bias] = sum_gradients(activation_, activated, grad_output, needs[count + 1]);
    Grads grads(count + 2);
    if (needs[count]) {
      std::vector<Tensor> of_parts;
      for (std::size_t i = 0; i < count; ++i) {
        const Tensor part = parts_[i].get();
        of_parts.push_back(forward ? kernel_gradient(geometry_of(i), part, grad)
                                   : kernel_gradient(geometry_, grad, part));
      }
      grads[count] = count == 1 ? of_parts[0] : concat(of_parts, 2);
    }
    if (!needs.again()) parts_.clear();  // so that the gradient of x can have its memory
    const Direction back = forward ? Direction::transposed : Direction::forward;
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < count; begin += channels_[i++])
      if (needs[i])
        grads[i] = apply(back, geometry_of(i), {grad},
                         count == 1 ? kernel_.get() : slice(kernel_, 2, begin, begin + channels_[i]), {}, {});
    grads[count + 1] = bias;
    return grads;
  }

  void add_to(Trace& trace, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) const override {
    if (activation_ == Activation{}) return Node::add_to(trace, inputs, outputs);
    const std::vector<Tensor> before{outputs[0].detach()};
    Node::add_to(trace, inputs, before);
    trace.ops.push_back(
        {std::string(name_of(activation_)), {{"slope", activation_.slope}}, before, outputs, trace.ops.back().path});
  }

  /// Of the convolution that reads this part alone.
  ConvGeometry geometry_of(std::size_t part) const {
    ConvGeometry geometry = geometry_;
    if (channels_.size() > 1) geometry.in_channels = channels_[part];
    return geometry;
  }

  Direction direction_;
  ConvGeometry geometry_;
  Activation activation_;
  std::vector<SavedInput> parts_;  ///< of x: one, or several that stand side by side
  std::vector<std::int64_t> channels_;
  Saved kernel_, activated_;
};

void check_operands(const char* op, const Tensor& x, const Tensor& kernel, const Tensor& bias, std::int64_t filters) {
  if (x.dtype() != kernel.dtype() || (bias.defined() && bias.dtype() != x.dtype()))
    raise<ValueError>(op, "input, kernel and bias must have one float type, got {} and {}{}", name_of(x.dtype()),
                      name_of(kernel.dtype()), bias.defined() ? fmt::format(", bias {}", name_of(bias.dtype())) : "");
  if (bias.defined() && bias.shape() != Shape{filters})
    raise<ShapeError>(op, "expected a bias [{}], one for each filter, got {}", filters, bias.shape().str());
}

/// x is read, and its parts stand for it in the graph.
Tensor convolve(Direction direction, const ConvGeometry& geometry, const std::vector<Tensor>& x,
                const std::vector<Tensor>& parts, const Tensor& kernel, const Tensor& bias, Activation activation) {
  // A training step changes the kernel before it is read again; inference does not.
  KernelStore store(kernel);
  Tensor y = apply(direction, geometry, x, kernel, bias, activation, grad_enabled() ? nullptr : &store);
  Tensor activated;
  if (joins_epilogue(activation)) {
    activated = y;  // both derivatives are functions of the sign that y shares with the sum before it
  } else if (activation != Activation{}) {
    const Tensor sum = y;
    const NoGrad no_grad;
    const detail::TraceScope untraced(nullptr);
    y = activate(sum, activation);
    activated = gradient_uses_output(activation) ? y : sum;
  }
  std::vector<Tensor> inputs = parts;
  inputs.insert(inputs.end(), {kernel, bias});
  return record<ConvNode>(y, inputs, direction, geometry, activation, parts, kernel, activated);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvOptions& options,
              Activation activation) {
  const ConvGeometry geometry = conv2d_geometry(x.shape(), kernel.shape(), options);
  check_operands("conv2d", x, kernel, bias, geometry.out_channels);
  return convolve(Direction::forward, geometry, {x}, {x}, kernel, bias, activation);
}

Tensor conv2d_concat(std::vector<Tensor> parts, const Tensor& kernel, const Tensor& bias, const ConvOptions& options,
                     Activation activation) {
  // Groups may reach over the border of two parts. A trace gets the ops that this one stands for.
  if (parts.size() < 2 || options.groups > 1 || detail::running_trace())
    return conv2d(parts.size() == 1 ? parts[0] : concat(parts, -1), kernel, bias, options, activation);
  const ConvGeometry geometry = conv2d_geometry(concat_shape(parts, -1), kernel.shape(), options);
  check_operands("conv2d", parts[0], kernel, bias, geometry.out_channels);
  const std::vector<Tensor> x = [&] {
    if (reads_parts(geometry, parts)) return parts;
    const NoGrad no_grad;
    const detail::TraceScope untraced(nullptr);
    return std::vector{concat(parts, -1)};
  }();
  if (!grad_enabled()) parts.clear();
  // What backward computes again needs no memory meanwhile: a tensor without pixels stands for its record.
  for (Tensor& part : parts)
    if (SavedInput(part).recomputes()) {
      Tensor record = Tensor::empty({0, 0, 0, part.size(-1)}, part.dtype());
      record.set_gradient_record(part.gradient_record());
      part = record;
    }
  return convolve(Direction::forward, geometry, x, parts, kernel, bias, activation);
}

Tensor conv2d_transpose(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvTransposeOptions& options,
                        Activation activation) {
  const ConvGeometry geometry = conv2d_transpose_geometry(x.shape(), kernel.shape(), options);
  check_operands("conv2d_transpose", x, kernel, bias, geometry.in_channels);
  return convolve(Direction::transposed, geometry, {x}, {x}, kernel, bias, activation);
}

}  // namespace tessera
