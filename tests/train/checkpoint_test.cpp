#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/train/checkpoint.hpp>

#include "tests/support/file_bytes.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/values.hpp"

using namespace tessera;
using test::file_bytes;

namespace {

Checkpoint example() {
  const ModelOptions options{.name = "unet", .in_channels = 1, .classes = 3, .width = 4, .depth = 2};
  const auto model = make_model(options);
  model->initialize(7);
  return {.model = options,
          .labels = {3, 255, {"cell", "wall", "void"}, {}, {{1, 2, 3}, {4, 5, 6}, {255, 0, 9}}},
          .standardization = {{0.25F}, {0.1F}},
          .epoch = 12,
          .step = 3'000'000'000'000,
          .batch = 5,
          .images = 20,
          .best = {11, 0.1 + 0.2},
          .left_out = {3, 70'000},
          .seed = 18'446'744'073'709'551'615U,
          .options = {{"lr", "0.002"}, {"loss", "ce"}},
          .weights = model->state_dict(),
          .training = {{"optim/adam.lr", Tensor::full({1}, 0.125, f64)}}};
}

}  // namespace

TEST_CASE("a checkpoint gives back all that was saved, and is the same file when saved again") {
  const test::TemporaryFolder folder;
  const Checkpoint saved = example();
  save_checkpoint(folder / "a.safetensors", saved);
  const Checkpoint loaded = load_checkpoint(folder / "a.safetensors");
  CHECK(loaded.model == saved.model);
  CHECK(loaded.labels.classes == 3);
  CHECK(loaded.labels.ignore_index == 255);
  CHECK(loaded.labels.names == saved.labels.names);
  CHECK(loaded.labels.colors == saved.labels.colors);
  CHECK(loaded.standardization.mean == saved.standardization.mean);
  CHECK(loaded.standardization.deviation == saved.standardization.deviation);
  CHECK(loaded.epoch == 12);
  CHECK(loaded.step == 3'000'000'000'000);
  CHECK(loaded.batch == 5);
  CHECK(loaded.images == 20);
  CHECK(loaded.best.epoch == 11);
  CHECK(loaded.best.miou == 0.1 + 0.2);
  CHECK(loaded.left_out == std::set<std::int64_t>{3, 70'000});
  CHECK(loaded.seed == 18'446'744'073'709'551'615U);
  CHECK(loaded.options == saved.options);
  REQUIRE(loaded.weights.size() == saved.weights.size());
  for (const auto& [path, tensor] : saved.weights) CHECK(test::difference(loaded.weights.at(path), tensor) == 0);
  CHECK(loaded.training.at("optim/adam.lr").item() == 0.125);

  save_checkpoint(folder / "b.safetensors", loaded);
  CHECK(file_bytes(folder / "a.safetensors") == file_bytes(folder / "b.safetensors"));
}

TEST_CASE("a checkpoint's weights have bare paths, all else reserved names, and its metadata sorted keys") {
  const test::TemporaryFolder folder;
  save_checkpoint(folder / "a.safetensors", example());
  const SafetensorsFile file = read_safetensors(folder / "a.safetensors");
  CHECK(file.tensors.contains("@optim/adam.lr"));
  CHECK(file.tensors.contains("head.kernel"));
  CHECK(file.metadata.at("progress") ==
        R"({"batch":"5","best_epoch":"11","best_miou":0.30000000000000004,"epoch":"12",)"
        R"("images":"20","left_out":[3,70000],"step":"3000000000000"})");
  CHECK(file.metadata.at("options") == R"({"loss":"ce","lr":"0.002"})");
  CHECK(file.metadata.at("random") == R"({"seed":"18446744073709551615"})");
}

TEST_CASE("the model is rebuilt from the file alone, for evaluation") {
  const test::TemporaryFolder folder;
  const Checkpoint saved = example();
  save_checkpoint(folder / "a.safetensors", saved);
  const auto model = rebuild_model(load_checkpoint(folder / "a.safetensors"));
  CHECK(!model->training());
  CHECK((*model)(Tensor::zeros({1, 8, 8, 1})).shape() == Shape{1, 8, 8, 3});
  for (const auto& [path, tensor] : model->state_dict()) CHECK(test::difference(saved.weights.at(path), tensor) == 0);
}

TEST_CASE("a file that is no checkpoint is refused by name, with what is missing") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  write_safetensors(path, {{"kernel", Tensor::zeros({2})}});
  CHECK_THROWS_WITH_AS(load_checkpoint(path), (path + ": not a checkpoint: its metadata has no \"labels\"").c_str(),
                       IoError);

  save_checkpoint(path, example());
  SafetensorsFile file = read_safetensors(path);
  file.metadata["progress"] = R"({"epoch":"twelve","step":"1"})";
  write_safetensors(path, file.tensors, file.metadata);
  CHECK_THROWS_WITH_AS(load_checkpoint(path),
                       (path + ": not a checkpoint: \"progress\" cannot be read: expected a number at \"epoch\", got "
                               "\"twelve\"")
                           .c_str(),
                       IoError);
}
