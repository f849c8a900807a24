#include <doctest/doctest.h>

#include <tessera/core/arena.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/train/inference.hpp>
#include <tessera/train/make_optimizer.hpp>
#include <tessera/train/memory_use.hpp>

using namespace tessera;

TEST_CASE("measured memory counts weights, activations and what training adds") {
  const auto model = make_model({.name = "unet", .classes = 5, .width = 8, .depth = 2});
  const MemoryUse use = measure_memory(*model, {128, 192});
  CHECK(use.measured);
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : model->state_dict()) numbers += tensor.numel();
  CHECK(use.weights == 4 * numbers);
  CHECK(use.inference > use.weights + std::int64_t{128} * 192 * (3 + 5) * 4);
  // Gradients, two moments, and more layers' activations than inference keeps: far more than what kernels' passing
  // buffers vary by with the threads that happen to run at once.
  CHECK(use.training > use.inference + 3 * 4 * model->parameter_count());
  CHECK_FALSE(model->training());
}

TEST_CASE("memory of training is that of the steps after the first, which have the moments") {
  const auto model = make_model({.name = "unet", .classes = 3, .width = 16, .depth = 3});  // weights outweigh the image
  const MemoryUse use = measure_memory(*model, 32);
  model->train();
  const std::size_t before = memory_stats().in_use;
  const Tensor image = Tensor::zeros({1, 32, 32, 3}), labels = Tensor::zeros({1, 32, 32}, i32);
  const auto optimizer = make_optimizer(with_defaults(OptimizerOptions{.name = "adamw"}), model->parameters());
  for (int step = 0; step < 3; ++step) {
    reset_peak_memory();
    optimizer->zero_grad();
    softmax_cross_entropy((*model)(image), labels).mean().backward();
    optimizer->step();
  }
  const auto peak = static_cast<std::int64_t>(memory_stats().peak_in_use - before) + use.weights;
  CHECK(static_cast<double>(use.training) == doctest::Approx(static_cast<double>(peak)).epsilon(0.05));
}

TEST_CASE("memory for a large image is scaled from a smaller one by the pixels") {
  const auto model = make_model({.name = "tiny", .classes = 2});
  const MemoryUse small = measure_memory(*model, 512), large = measure_memory(*model, {1024, 2048});
  CHECK(small.measured);
  CHECK_FALSE(large.measured);
  CHECK(large.weights == small.weights);
  CHECK(static_cast<double>(large.inference) ==
        doctest::Approx(8.0 * static_cast<double>(small.inference)).epsilon(0.05));
  CHECK(static_cast<double>(large.training) ==
        doctest::Approx(8.0 * static_cast<double>(small.training)).epsilon(0.05));
}
