#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/dropout.hpp>
#include <tessera/core/ops/dropout.hpp>

namespace tessera {
namespace {

Tensor dropped(const Tensor& x, double rate, const RandomStream& random, bool channels) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), channels ? "dropout2d" : "dropout", [&](auto zero) {
    using T = decltype(zero);
    if (!channels) return kernels::dropout(random, rate, x.numel(), x.data<T>(), y.mutable_data<T>());
    if (x.numel() == 0) return;
    kernels::dropout_channels(random, rate, x.size(0), x.numel() / x.size(0) / x.size(-1), x.size(-1), x.data<T>(),
                              y.mutable_data<T>());
  });
  return y;
}

struct DropoutNode final : Node {  // saves the stream;  grad_input = grad_output dropped by the same mask
  DropoutNode(double rate, const RandomStream& random, bool channels)
      : rate_(rate), random_(random), channels_(channels) {}
  std::string_view name() const override { return channels_ ? "dropout2d" : "dropout"; }
  Attributes attributes() const override { return {{"rate", rate_}}; }
  Grads backward(const Tensor& grad_output, Needs) override {
    return {dropped(grad_output, rate_, random_, channels_)};
  }
  double rate_;
  RandomStream random_;
  bool channels_;
};

void check_rate(std::string_view op, double rate) {
  if (!(rate >= 0 && rate < 1)) raise<ValueError>(op, "expected a rate of 0 or more and below 1, got {}", rate);
}

}  // namespace

Tensor dropout(const Tensor& x, double rate, const RandomStream& random) {
  check_rate("dropout", rate);
  return record<DropoutNode>(dropped(x, rate, random, false), {x}, rate, random, false);
}

Tensor dropout2d(const Tensor& x, double rate, const RandomStream& random) {
  check_rate("dropout2d", rate);
  if (x.rank() < 2) raise<ShapeError>("dropout2d", "expected an input [N, ..., C], got {}", x.shape().str());
  return record<DropoutNode>(dropped(x, rate, random, true), {x}, rate, random, true);
}

}  // namespace tessera
