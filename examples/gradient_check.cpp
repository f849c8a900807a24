// Checks the gradients of an op and of a layer of one's own, and shows what a wrong gradient looks like.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <tessera/tessera.hpp>

using namespace tessera;

namespace {

// An op is a function and a node. The node holds what backward needs, here the output: for softsign, y = x / (1 + |x|),
// dy/dx = (1 - |y|)^2. Loops are written for one T, so that the check in double runs the code that training in float
// runs.
template <int exponent>
struct SoftsignNode final : Node {
  explicit SoftsignNode(const Tensor& y) : y_(y) {}
  std::string_view name() const override { return "softsign"; }
  Grads backward(const Tensor& grad_output, Needs) override {
    Tensor grad = Tensor::empty(y_->shape(), y_->dtype());
    dispatch_float(y_->dtype(), name(), [&](auto zero) {
      using T = decltype(zero);
      const T* y = y_->data<T>();
      const T* upstream = grad_output.data<T>();
      T* out = grad.mutable_data<T>();
      for (std::int64_t i = 0; i < grad.numel(); ++i)
        out[i] = upstream[i] * static_cast<T>(std::pow(1 - std::abs(y[i]), exponent));
    });
    return {grad};
  }
  Saved y_;
};

template <int exponent = 2>  // anything else is a mistake, made here to see it found
Tensor softsign(const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "softsign", [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = in[i] / (1 + std::abs(in[i]));
  });
  return record<SoftsignNode<exponent>>(y, {x}, y.detach());
}

// A layer of one's own: a convolution whose output is multiplied by a learned number a channel, then softsign.
class GatedConv : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return softsign(conv_(x) * gain_); }

 private:
  Conv2D conv_ = add("conv", Conv2D({.in_channels = 2, .filters = 3, .kernel_size = 3, .padding = same}));
  Tensor gain_ = add_parameter("gain", {3}, {.initializer = initializer::uniform(0.5, 1.5)});
};

bool report(const char* what, const GradcheckReport& found) {
  fmt::print("{}\n{}\n\n", what, found.str());
  return found.passed;
}

}  // namespace

int main() {
  const Tensor x = Tensor::from({-2.0, -0.7, -0.1, 0.3, 1.1, 5.0}, {2, 3});
  const bool op = report("softsign, an op", gradcheck([](const auto& in) { return softsign(in[0]); }, {x}));

  GatedConv layer;
  Tensor image = Tensor::zeros({1, 4, 5, 2}, f64);
  initializer::normal(0, 1)(image, RandomStream(1, stream_of("image")));
  const bool whole =
      report("GatedConv, a layer: input 0 is the image, then the layer's own gain, conv.kernel, conv.bias",
             gradcheck(layer, image));

  const bool wrong = report("softsign with (1 - |y|)^3 as its derivative: a mistake",
                            gradcheck([](const auto& in) { return softsign<3>(in[0]); }, {x}));
  return op && whole && !wrong ? 0 : 1;
}
