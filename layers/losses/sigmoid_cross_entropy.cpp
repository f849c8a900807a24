#include <algorithm>
#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/labels.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/layers/losses/sigmoid_cross_entropy.hpp>

namespace tessera {

Loss sigmoid_cross_entropy(const Tensor& logits, const Tensor& labels, const SigmoidCrossEntropyOptions& options) {
  constexpr std::string_view op = "sigmoid_cross_entropy";
  check_labels(op, logits, labels);
  const std::int64_t rows = labels.numel(), classes = logits.size(-1);
  const auto weights = static_cast<std::int64_t>(options.class_weights.size());
  if (weights != 0 && weights != classes)
    raise<ValueError>(op, "expected a class weight for each of {} classes, got {}", classes, weights);
  // Other than the label's score, each is -log(1 - s(x)) = -log s(x) + x.
  Tensor others = Tensor::empty({rows, classes}, logits.dtype()),
         factors = Tensor::zeros({rows, classes}, logits.dtype());
  std::int64_t pixels = 0;
  dispatch_float(logits.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    T *other = others.mutable_data<T>(), *factor = factors.mutable_data<T>();
    std::fill(other, other + rows * classes, T{1});
    dispatch_all(labels.dtype(), [&](auto label_zero) {
      const auto* label = labels.data<decltype(label_zero)>();
      for (std::int64_t row = 0; row < rows; ++row, other += classes, factor += classes) {
        const auto k = static_cast<std::int64_t>(label[row]);
        if (k == options.ignore_index) continue;
        if (k < 0 || k >= classes) refuse_label(op, labels, row, classes, options.ignore_index);
        other[k] = 0;
        for (std::int64_t c = 0; c < classes; ++c)
          factor[c] = weights == 0 ? T{1} : static_cast<T>(options.class_weights[static_cast<std::size_t>(c)]);
        ++pixels;
      }
    });
  });
  const Tensor scores = logits.reshape({rows, classes});
  return {sum(factors * (softplus(neg(scores)) + others * scores)), static_cast<double>(pixels * classes)};
}

}  // namespace tessera
