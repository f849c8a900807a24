#include <doctest/doctest.h>

#include <tessera/models/make_model.hpp>
#include <tessera/train/inference.hpp>
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
