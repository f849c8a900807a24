#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <tessera/core/autograd.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/layers/losses/mse.hpp>
#include <tessera/layers/losses/softmax_cross_entropy.hpp>
#include <tessera/models/conv_autoencoder.hpp>
#include <tessera/models/erfnet.hpp>
#include <tessera/models/fcn.hpp>
#include <tessera/models/tiny_segnet.hpp>
#include <tessera/models/unet.hpp>
#include <tessera/optim/sgd.hpp>

#include "tests/models/golden_numbers.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using nlohmann::json;

namespace {

constexpr std::int64_t classes = 4;

std::unique_ptr<Layer> make(const std::string& model, const json& options) {
  if (model == "TinySegNet") return std::make_unique<TinySegNet>(TinySegNetOptions{.classes = classes});
  if (model == "UNet")
    return std::make_unique<UNet>(UNetOptions{.classes = classes,
                                              .base_width = options.at("base_width"),
                                              .depth = options.at("depth"),
                                              .normalization = options.at("normalization")});
  if (model == "FCN") return std::make_unique<FCN>(FCNOptions{.classes = classes, .width = options.at("width")});
  if (model == "ERFNet")
    return std::make_unique<ERFNet>(ERFNetOptions{.classes = classes, .early_dropout = 0, .late_dropout = 0});
  REQUIRE(model == "ConvAutoencoder");
  return std::make_unique<ConvAutoencoder>(
      ConvAutoencoderOptions{.base_width = options.at("base_width"), .latent_channels = options.at("latent_channels")});
}

std::map<std::string, std::vector<std::int64_t>> parameter_shapes(const Module& model) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [path, parameter] : model.named_parameters())
    shapes[path].assign(parameter.shape().begin(), parameter.shape().end());
  return shapes;
}

}  // namespace

TEST_CASE("every model takes the training steps that PyTorch takes from the same weights") {
  const test::Golden golden("models.safetensors");
  for (const json& golden_case : golden.cases()) {
    const std::string name = golden_case["name"], model_name = golden_case["model"];
    CAPTURE(name);
    const std::int64_t height = golden_case["size"][0], width = golden_case["size"][1];
    const std::unique_ptr<Layer> model = make(model_name, golden_case["options"]);
    REQUIRE(parameter_shapes(*model) == golden_case["parameters"]);
    model->to(f64);
    test::fill_golden(*model);
    const Tensor images = test::golden_images(height, width);
    const Tensor labels = test::golden_labels(height, width, classes);
    const auto loss = [&] {
      const Tensor output = (*model)(images);
      return model_name == "ConvAutoencoder" ? mse_loss(output, (images + 1) / 2).mean()
                                             : softmax_cross_entropy(output, labels).mean();
    };

    SGD optimizer(model->parameters(), {.lr = golden_case["lr"], .momentum = 0.9});
    for (const double expected : test::values(golden.get(golden_case, "losses"))) {
      optimizer.zero_grad();
      const Tensor now = loss();
      CHECK(now.item() == doctest::Approx(expected).epsilon(1e-9));
      now.backward();
      optimizer.step();
    }
    model->eval();
    const NoGrad no_grad;
    CHECK(loss().item() == doctest::Approx(golden.get(golden_case, "eval_loss").item()).epsilon(1e-9));
  }
  CHECK(golden.cases().size() == 9);
}
