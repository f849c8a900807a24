#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/elementwise.hpp>
#include <tessera/core/ops/reduce.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/train/anomaly.hpp>
#include <tessera/train/trainer.hpp>

#include "tests/support/values.hpp"

using namespace tessera;

namespace {

/// Four images of noise; of image i the first 16 i of 64 pixels are ignored.
class UnevenDataset final : public Dataset {
 public:
  std::int64_t size() const override { return 4; }
  std::int64_t channels() const override { return 1; }
  const Labels& labels() const override { return labels_; }
  Sample get(std::int64_t index) const override {
    Tensor mask = Tensor::zeros({8, 8}, i32);
    auto* label = mask.mutable_data<std::int32_t>();
    for (std::int64_t i = 0; i < 64; ++i) label[i] = i < 16 * index ? 9 : static_cast<std::int32_t>((i + index) % 2);
    return {test::random_tensor({8, 8, 1}, static_cast<std::uint64_t>(index), f32), mask, std::to_string(index)};
  }

 private:
  Labels labels_{.classes = 2, .ignore_index = 9};
};

std::unique_ptr<SegmentationModel> small_model() {
  auto model =
      make_model({.name = "unet", .in_channels = 1, .classes = 2, .width = 2, .depth = 1, .normalization = "none"});
  model->initialize(3);
  return model;
}

const OptimizerOptions plain_sgd{.name = "sgd", .lr = 1, .schedule = "constant"};

/// The weights after one epoch.
StateDict trained(std::int64_t batch_size, std::int64_t accumulate, double ema = 0) {
  const auto model = small_model();
  Loader loader(std::make_shared<UnevenDataset>(), {.batch_size = batch_size, .shuffle = false});
  Trainer trainer(*model, loader, loss_from_spec("ce", {.ignore_index = 9}),
                  {.optimizer = plain_sgd, .accumulate = accumulate, .ema = ema});
  CHECK(trainer.train_epoch());
  CHECK(trainer.step() == trainer.steps_an_epoch());
  Checkpoint checkpoint;
  trainer.save(checkpoint);
  return checkpoint.weights;
}

double difference(const StateDict& a, const StateDict& b) {
  double largest = 0;
  for (const auto& [path, tensor] : a) largest = std::max(largest, test::difference(tensor, b.at(path)));
  return largest;
}

}  // namespace

TEST_CASE("batches accumulated to one step give the gradient of all their pixels together") {
  const StateDict whole = trained(4, 1);
  CHECK(difference(trained(2, 2), whole) < 1e-6);
  CHECK(difference(trained(1, 4), whole) < 1e-6);
  CHECK(difference(trained(1, 9), whole) < 1e-6);  // the last step of an epoch has what is left
  CHECK(difference(trained(2, 1), whole) > 1e-3);
  CHECK(difference(small_model()->state_dict(), whole) > 1e-3);
}

TEST_CASE("a gradient that is not finite stops before the weights change, and names the parameter and the step") {
  const auto model = small_model();
  Loader loader(std::make_shared<UnevenDataset>(), {.batch_size = 4});
  const LabelLoss steep = [](const Tensor& logits, const Tensor&) {
    return Loss{sum(sqrt(logits - logits.detach())), 1};  // 0, with an infinite derivative
  };
  Trainer trainer(*model, loader, steep, {.optimizer = plain_sgd});
  const std::vector<double> before = test::values(model->state_dict().at("head.kernel"));
  std::string message;
  try {
    trainer.train_epoch();
  } catch (const Error& error) {
    message = error.what();
  }
  CAPTURE(message);
  CHECK(message.starts_with("epoch 1, step 1: the gradient of head."));
  CHECK(test::values(model->state_dict().at("head.kernel")) == before);
}

TEST_CASE("a loss that alone is not finite is named, and nothing advised that is in force") {
  const auto model = small_model();
  Loader loader(std::make_shared<UnevenDataset>(), {.batch_size = 4});
  const LabelLoss overflowing = [](const Tensor& logits, const Tensor&) { return Loss{sum(exp(logits + 1000.0)), 1}; };
  OptimizerOptions warmed = plain_sgd;
  warmed.warmup_steps = 2;
  Trainer trainer(*model, loader, overflowing, {.optimizer = warmed, .epochs = 3, .clip_norm = 1});
  std::string message;
  try {
    trainer.train_epoch();
  } catch (const Error& error) {
    message = error.what();
  }
  CAPTURE(message);
  CHECK(message.starts_with(
      "epoch 1, step 1: the loss is not finite, and first of all the loss itself, of scores up to "));
  CHECK(message.find("; a lower learning rate than ") != std::string::npos);
  CHECK(message.ends_with(" may help"));
  CHECK(message.find("--") == std::string::npos);
}

TEST_CASE("weights that are not finite, and images, are told apart from the layers that pass them on") {
  const auto model = small_model();
  const Tensor images = Tensor::ones({1, 8, 8, 1});
  CHECK(first_not_finite(*model, images).starts_with("the loss itself, of scores up to "));
  CHECK(first_not_finite(*model, Tensor::full({1, 8, 8, 1}, NAN)) == "the images");
  CHECK(first_not_finite(*model, Tensor::full({1, 8, 8, 1}, 3e38)) == "the output of encoder1.first.conv (conv2d)");
  model->state_dict().at("bottom.second.conv.kernel").fill_(INFINITY);
  CHECK(first_not_finite(*model, images) == "the weight bottom.second.conv.kernel");
}
