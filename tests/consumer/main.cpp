// A model of a user's own, trained for a few steps: halve an image, then learn to draw it again.
#include <tessera/tessera.hpp>

#include <cstdio>

using namespace tessera;

class Net : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return up_(down_(x)); }

 private:
  Conv2D down_ = add("down", Conv2D({.in_channels = 1,
                                     .filters = 8,
                                     .kernel_size = 3,
                                     .strides = 2,
                                     .padding = same,
                                     .activation = activation::relu}));
  Conv2DTranspose up_ = add("up", Conv2DTranspose({.in_channels = 8, .filters = 1, .kernel_size = 2, .strides = 2}));
};

int main() {
  Net net;
  Adam optimizer(net.parameters(), {.lr = 0.02});
  const Tensor image = Tensor::arange(64).reshape({1, 8, 8, 1}) / 64;
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    const Tensor error = net(image) - image;
    const Tensor loss = mean(error * error);
    last = loss.item();
    if (step == 0) first = last;
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  std::printf("mean squared error: %.4f, after 100 steps %.4f\n", first, last);
  return last < first / 10 ? 0 : 1;
}
