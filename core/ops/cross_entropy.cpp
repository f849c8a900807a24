#include <tessera/core/autograd.hpp>
#include <tessera/core/kernels/cross_entropy.hpp>
#include <tessera/core/ops/cross_entropy.hpp>
#include <tessera/core/ops/labels.hpp>
#include <tessera/core/parallel.hpp>

namespace tessera {
namespace {

constexpr std::string_view op = "cross_entropy";

struct CrossEntropyNode final : Node {  // saves grad = d sum / d logits;  grad_logits = grad_output * grad
  CrossEntropyNode(const Tensor& grad, Attributes attributes) : grad_(grad), attributes_(std::move(attributes)) {}
  std::string_view name() const override { return op; }
  Attributes attributes() const override { return attributes_; }
  Grads backward(const Tensor& grad_output, Needs) override {
    const Tensor& grad = grad_;
    Tensor scaled = Tensor::empty(grad.shape(), grad.dtype());
    dispatch_float(grad.dtype(), op, [&](auto zero) {
      using T = decltype(zero);
      const T factor = grad_output.data<T>()[0];
      const T* from = grad.data<T>();
      T* to = scaled.mutable_data<T>();
      parallel_ranges(grad.numel(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = factor * from[i];
      });
    });
    return {scaled};
  }
  Saved grad_;
  Attributes attributes_;
};

std::vector<double> checked_weights(const CrossEntropyOptions& options, std::int64_t classes) {
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    raise<ValueError>(op, "expected 0 <= label_smoothing <= 1, got {}", options.label_smoothing);
  if (!(options.focal_gamma >= 0)) raise<ValueError>(op, "expected gamma >= 0, got {}", options.focal_gamma);
  if (options.class_weights.empty()) return std::vector<double>(static_cast<std::size_t>(classes), 1.0);
  if (static_cast<std::int64_t>(options.class_weights.size()) != classes)
    raise<ValueError>(op, "expected {} class weights, one for each class of the logits, got {}", classes,
                      options.class_weights.size());
  for (const double weight : options.class_weights)
    if (!(weight >= 0)) raise<ValueError>(op, "expected class weights >= 0, got {}", weight);
  return options.class_weights;
}

}  // namespace

CrossEntropy cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  check_labels(op, logits, labels);
  const std::int64_t classes = logits.size(-1);
  const std::vector<double> weights = checked_weights(options, classes);
  const kernels::CrossEntropyGeometry geometry{.rows = labels.numel(),
                                               .classes = classes,
                                               .class_weights = weights.data(),
                                               .ignore_index = options.ignore_index,
                                               .label_smoothing = options.label_smoothing,
                                               .focal_gamma = options.focal_gamma};
  Tensor grad = grad_enabled() && logits.requires_grad() ? Tensor::empty(logits.shape(), logits.dtype()) : Tensor();
  const kernels::CrossEntropyTotals totals = dispatch_float(logits.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    T* into = grad ? grad.mutable_data<T>() : nullptr;
    if (labels.dtype() == u8)
      return kernels::cross_entropy(geometry, logits.data<T>(), labels.data<std::uint8_t>(), into);
    return kernels::cross_entropy(geometry, logits.data<T>(), labels.data<std::int32_t>(), into);
  });
  if (totals.bad_label >= 0) refuse_label(op, labels, totals.bad_label, classes, options.ignore_index);
  const Attributes attributes{{"classes", classes}, {"label_smoothing", options.label_smoothing}};
  return {record<CrossEntropyNode>(Tensor::scalar(totals.loss, logits.dtype()), {logits}, grad, attributes),
          totals.weight, totals.valid};
}

}  // namespace tessera
