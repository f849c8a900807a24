#include <algorithm>
#include <tessera/core/arena.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/train/inference.hpp>
#include <tessera/train/make_optimizer.hpp>
#include <tessera/train/memory_use.hpp>

namespace tessera {
namespace {

constexpr std::int64_t measured_side = 512;

/// Bytes above `before` that are in use at most.
template <class Action>
std::int64_t peak_above(std::size_t before, const Action& action) {
  reset_peak_memory();
  action();
  return static_cast<std::int64_t>(memory_stats().peak_in_use - before);
}

}  // namespace

MemoryUse measure_memory(SegmentationModel& model, Size2D size) {
  const std::size_t before = memory_stats().in_use;  // a training step lets go of the weights that inference packs
  MemoryUse use;
  for (const auto& [name, tensor] : model.state_dict())
    use.weights += tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
  std::int64_t trained = 0;
  for (const Parameter& parameter : model.parameters())
    trained += parameter.tensor.numel() * static_cast<std::int64_t>(size_of(parameter.tensor.dtype()));

  Size2D at = size;
  if (size.height * size.width > measured_side * measured_side)
    at = model.input_sizes().enlarged({std::min(size.height, measured_side), std::min(size.width, measured_side)});
  use.measured = at == size;
  const double scale = static_cast<double>(size.height * size.width) / static_cast<double>(at.height * at.width);
  // What does not grow with the image is added after scaling.
  const auto scaled = [&](std::int64_t peak, std::int64_t fixed) {
    return fixed + static_cast<std::int64_t>(scale * static_cast<double>(std::max<std::int64_t>(peak - fixed, 0)));
  };

  const Tensor image = Tensor::zeros({1, at.height, at.width, model.in_channels()});
  const std::size_t with_image = memory_stats().in_use;
  const std::int64_t pass = peak_above(before, [&] { class_scores(model, image); });
  const auto packed_weights = static_cast<std::int64_t>(memory_stats().in_use - with_image);
  use.inference = use.weights + scaled(pass, packed_weights);

  const Tensor labels = Tensor::zeros({1, at.height, at.width}, i32);
  const LabelLoss loss = loss_from_spec("ce");
  model.train();
  const std::int64_t step = peak_above(before, [&] {
    const auto optimizer = make_optimizer(with_defaults({.name = "adamw"}), model.parameters());
    for (int i = 0; i < 2; ++i) {  // the first step makes the moments, so that the second is like all that follow
      reset_peak_memory();
      optimizer->zero_grad();
      loss(model(image), labels).mean().backward();
      optimizer->step();
    }
  });
  model.zero_grad();
  model.eval();
  use.training = use.weights + scaled(step, 2 * trained);
  return use;
}

}  // namespace tessera
