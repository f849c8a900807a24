#include <algorithm>
#include <tessera/core/ops/labels.hpp>

namespace tessera {

void check_labels(std::string_view op, const Tensor& logits, const Tensor& labels) {
  if (is_float(labels.dtype()))
    raise<ValueError>(op, "expected labels (class indices) of type i32 or u8, got {} {}", name_of(labels.dtype()),
                      labels.shape().str());
  if (!is_float(logits.dtype()))
    raise<ValueError>(op, "expected logits of type f32 or f64, got {} {}", name_of(logits.dtype()),
                      logits.shape().str());
  const bool fits = logits.rank() == labels.rank() + 1 && logits.size(-1) > 0 &&
                    std::equal(labels.shape().begin(), labels.shape().end(), logits.shape().begin());
  if (!fits)
    raise<ShapeError>(op, "expected logits [N, H, W, classes] and labels [N, H, W], got {} and {}",
                      logits.shape().str(), labels.shape().str());
}

void refuse_label(std::string_view op, const Tensor& labels, std::int64_t at, std::int64_t classes,
                  std::optional<std::int64_t> ignore_index) {
  const double label = labels.reshape({-1}).at({at});
  Shape position = labels.shape();
  for (std::int64_t axis = labels.rank() - 1; axis >= 0; --axis) {
    position[axis] = at % labels.size(axis);
    at /= labels.size(axis);
  }
  const std::string ignored = ignore_index ? fmt::format(" or {} (ignored)", *ignore_index) : "";
  raise<ValueError>(op, "expected labels from 0 to {}{} for {} classes, got {} at {} of {}", classes - 1, ignored,
                    classes, label, position.str(), labels.shape().str());
}

}  // namespace tessera
