// A network and a training loop of one's own: finds discs in noise and tells by their stripes which kind they are.
// usage: custom_model [WEIGHTS.safetensors]   trains for some seconds and writes the weights where it is told to
#include <fmt/format.h>

#include <exception>
#include <string>
#include <tessera/tessera.hpp>
#include <vector>

using namespace tessera;

namespace {

// The network: half the size and back. Layers are named, so that their weights have a path; options not given have
// defaults.
class Net : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return head_(up_(down_(x))); }

 private:
  // clang-format off
  Conv2D          down_ = add("down", Conv2D({.in_channels = 1, .filters = 16, .kernel_size = 5, .strides = 2,
                                              .padding = same, .activation = activation::relu}));
  Conv2DTranspose up_   = add("up",   Conv2DTranspose({.in_channels = 16, .filters = 16, .kernel_size = 4, .strides = 2,
                                                       .padding = same, .activation = activation::relu}));
  Conv2D          head_ = add("head", Conv2D({.in_channels = 16, .filters = 4, .kernel_size = 1}));
  // clang-format on
};

struct Batch {
  Tensor images;  // [N, H, W, 1], f32
  Tensor labels;  // [N, H, W], i32: the class of each pixel
};

// Made data: on every image of noise a disc with stripes across (class 1), down (2) or slanting (3).
Batch make_batch(int number, std::int64_t count) {
  const std::int64_t size = 48;
  const RandomStream random(0, stream_of("discs"), static_cast<std::uint32_t>(number));
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  std::uint64_t draw = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t row = 12 + random.integer(draw++, 24), column = 12 + random.integer(draw++, 24);
    const auto kind = static_cast<std::int32_t>(1 + random.integer(draw++, 3));
    for (std::int64_t y = 0; y < size; ++y)
      for (std::int64_t x = 0; x < size; ++x) {
        const bool inside = (y - row) * (y - row) + (x - column) * (x - column) < 100;
        const std::int64_t along = kind == 1 ? y : kind == 2 ? x : x + y;
        const double stripe = inside ? (along % 4 < 2 ? 1 : -1) : 0;
        images.push_back(static_cast<float>(stripe + 0.5 * random.normal(draw++)));
        labels.push_back(inside ? kind : 0);
      }
  }
  return {Tensor::from(images, {count, size, size, 1}), Tensor::from(labels, {count, size, size})};
}

double pixel_accuracy(Net& net, const Batch& batch) {
  const NoGrad no_grad;
  net.eval();
  const Tensor right = equal(argmax(net(batch.images), {-1}), batch.labels);
  return mean(right.to(f32)).item();
}

void run(const std::string& weights_file) {
  Net net;
  net.initialize(1);
  Adam optimizer(net.parameters(), {.lr = 0.01});
  fmt::print("{}\n", summary(net, {1, 48, 48, 1}).str());
  for (int step = 0; step < 200; ++step) {
    const Batch batch = make_batch(step, 8);
    const Tensor loss = softmax_cross_entropy(net(batch.images), batch.labels).mean();
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if (step % 20 == 0) fmt::print("step {:3}  loss {:.4f}\n", step, loss.item());
  }
  fmt::print("{:.1f} % of the pixels of new images are right\n", 100 * pixel_accuracy(net, make_batch(1000, 32)));
  if (!weights_file.empty()) write_safetensors(weights_file, net.state_dict());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "");
  } catch (const std::exception& error) {
    fmt::print(stderr, "custom_model: {}\n", error.what());
    return 1;
  }
}
