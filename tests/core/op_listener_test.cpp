#include <doctest/doctest.h>

#include <tessera/core/autograd.hpp>
#include <tessera/core/op_listener.hpp>
#include <tessera/core/ops/activation.hpp>
#include <tessera/layers/conv2d.hpp>

using namespace tessera;

TEST_CASE("a listener hears of every op as it ends, forward and backward, and nothing afterwards") {
  std::string heard;
  Conv2D conv({.in_channels = 1, .filters = 2, .kernel_size = 1});
  const Tensor x = Tensor::ones({1, 2, 2, 1});
  {
    const OpListener listener([&](std::string_view op, const std::string& path, OpListener::Pass pass) {
      heard += fmt::format("{}{} {}, ", op, path, pass == OpListener::Pass::forward ? "forward" : "backward");
    });
    relu(conv(x)).backward(Tensor::ones({1, 2, 2, 2}));
    {
      const NoGrad no_grad;
      relu(x);
    }
  }
  relu(x);
  CHECK(heard == "conv2d forward, relu forward, relu backward, conv2d backward, relu forward, ");
}
