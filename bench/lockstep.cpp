// lockstep: trains a network for some epochs and writes down what a peer needs to take the very same steps: the first
// weights, every batch, and what came of them. bench/lockstep.py runs it.
#include <CLI/CLI.hpp>
#include <tessera/tessera.hpp>

#include "machine.hpp"

int main(int argc, char** argv) {
  using namespace tessera;
  CLI::App app("Trains with AdamW and poly decay; writes weights, batches, losses and the first gradients to a file.");
  std::string data, file;
  ModelOptions model_options;
  std::int32_t ignored = no_label;
  std::int64_t epochs = 1, batch = 4, height = 0, width = 0;
  double lr = 2e-3;
  std::uint64_t seed = 0;
  app.add_option("data", data, "Folder with train/images and train/masks")->required();
  app.add_option("file", file, "What is written")->required();
  app.add_option("--model", model_options.name, "unet or fcn: what draws no random numbers")->required();
  app.add_option("--classes", model_options.classes, "Classes")->required();
  app.add_option("--ignore-index", ignored, "Label that does not count");
  app.add_option("--height", height, "Of the crops")->required();
  app.add_option("--width", width, "Of the crops")->required();
  app.add_option("--epochs", epochs, "Epochs, each over the same batches")->check(CLI::PositiveNumber);
  app.add_option("--batch-size", batch, "Images a batch")->check(CLI::PositiveNumber);
  app.add_option("--lr", lr, "First learning rate")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed, "Seed");
  bench::add_machine_options(app);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto images = std::make_shared<FolderDataset>(
        data, "train", FolderOptions{.classes = model_options.classes, .ignore_index = ignored});
    Loader loader(images, {.batch_size = batch,
                           .drop_last = true,
                           .seed = seed,
                           .standardization = measure_standardization(*images, seed),
                           .augmentation = augmentation_from_spec("flip", {height, width})});
    const auto model = make_model(model_options);
    model->initialize(seed);
    AdamW optimizer(model->parameters(), {.lr = lr});
    std::map<std::string, Tensor> out;
    for (const auto& [path, tensor] : model->state_dict()) out["weight/" + path] = tensor.clone();
    const std::int64_t steps = epochs * loader.batches();
    LRScheduler schedule(optimizer, poly_lr({.total_iters = steps, .power = 0.9}));
    Tensor losses = Tensor::empty({steps}, f32);
    for (std::int64_t step = 0; step < steps; ++step) {
      if (step % loader.batches() == 0) loader.start(0);
      const Batch now = *loader.next();
      optimizer.zero_grad();
      const Tensor loss =
          softmax_cross_entropy((*model)(now.images), now.masks, {.ignore_index = images->labels().ignore_index})
              .mean();
      loss.backward();
      if (step < loader.batches()) {
        out[fmt::format("images/{}", step)] = now.images;
        out[fmt::format("masks/{}", step)] = now.masks;
      }
      if (step == 0)
        for (const auto& parameter : model->parameters())
          out["grad/" + parameter.path] = parameter.tensor.grad().clone();
      optimizer.step();
      schedule.step();
      losses.mutable_data<float>()[step] = static_cast<float>(loss.item());
    }
    out["losses"] = losses;
    write_safetensors(file, out);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "lockstep: {}\n", error.what());
    return 2;
  }
}
