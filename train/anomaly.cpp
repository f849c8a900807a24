#include <algorithm>
#include <cmath>
#include <tessera/core/autograd.hpp>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/core/trace.hpp>
#include <tessera/train/anomaly.hpp>

namespace tessera {
namespace {

bool all_finite(const Tensor& tensor) {
  if (!tensor.defined() || (tensor.dtype() != f32 && tensor.dtype() != f64)) return true;
  return dispatch_float(tensor.dtype(), "anomaly", [&](auto zero) {
    const auto values = tensor.span<decltype(zero)>();
    return std::all_of(values.begin(), values.end(), [](auto value) { return std::isfinite(value); });
  });
}

}  // namespace

std::string first_not_finite(SegmentationModel& model, const Tensor& images) {
  if (!all_finite(images)) return "the images";
  for (const auto& [path, tensor] : model.named_parameters())
    if (!all_finite(tensor)) return "the weight " + path;
  const NoGrad no_grad;
  Tensor scores;
  for (const TracedOp& op : trace([&] { scores = model(images); }).ops)
    if (!std::all_of(op.outputs.begin(), op.outputs.end(), all_finite))
      return fmt::format("the output of {} ({})", op.path.empty() ? "the model" : op.path, op.name);
  return fmt::format("the loss itself, of scores up to {:.3g}", max(abs(scores)).item());
}

std::string gradient_not_finite(SegmentationModel& model, const Tensor& images) {
  std::vector<std::string> paths;  // the last in the model's order first
  for (const auto& [path, tensor] : model.named_parameters())
    if (!all_finite(tensor.grad())) paths.insert(paths.begin(), path);
  if (paths.empty()) return "";
  const NoGrad no_grad;
  std::vector<TracedOp> ops = trace([&] { model(images); }).ops;
  std::reverse(ops.begin(), ops.end());
  for (const TracedOp& op : ops)
    for (const std::string& path : paths)
      if (path.starts_with(op.path + '.')) return path;
  return paths.front();
}

}  // namespace tessera
