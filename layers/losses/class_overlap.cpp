#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/labels.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/layers/losses/class_overlap.hpp>

namespace tessera {

Loss ClassOverlap::loss(const Tensor& score) const {
  return {sum((1.0 - score) * present) * (pixels / classes), pixels};
}

ClassOverlap class_overlap(std::string_view op, const Tensor& logits, const Tensor& labels,
                           std::optional<std::int64_t> ignore_index, bool background) {
  check_labels(op, logits, labels);
  const std::int64_t rows = labels.numel(), classes = logits.size(-1);
  const DType dtype = logits.dtype();
  if (!background && classes < 2) raise<ValueError>(op, "without the background there is no class left of 1");
  Tensor truth = Tensor::zeros({rows, classes}, dtype), counted = Tensor::ones({rows, 1}, dtype);
  Tensor truth_sums = Tensor::zeros({classes}, dtype), present = Tensor::zeros({classes}, dtype);
  std::int64_t pixels = 0;
  dispatch_float(dtype, op, [&](auto zero) {
    using T = decltype(zero);
    T *one_hot = truth.mutable_data<T>(), *counts = counted.mutable_data<T>();
    T *sums = truth_sums.mutable_data<T>(), *there = present.mutable_data<T>();
    dispatch_all(labels.dtype(), [&](auto label_zero) {
      const auto* label = labels.data<decltype(label_zero)>();
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto k = static_cast<std::int64_t>(label[row]);
        if (k == ignore_index) {
          counts[row] = 0;
          continue;
        }
        if (k < 0 || k >= classes) refuse_label(op, labels, row, classes, ignore_index);
        one_hot[row * classes + k] = 1;
        sums[k] += 1;
        there[k] = 1;
        ++pixels;
      }
    });
    if (!background) there[0] = 0;
  });
  const Tensor probability = softmax(logits.reshape({rows, classes}));
  return {sum(probability * truth, {0}), sum(probability * counted, {0}) + truth_sums, present,
          static_cast<double>(pixels), static_cast<double>(background ? classes : classes - 1)};
}

}  // namespace tessera
