// segment: trains, measures and uses small segmentation networks. What it does lies in train/; this is the command
// line.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <tessera/core/parallel.hpp>

#include "commands.hpp"

namespace {

using namespace segment;
using tessera::RunOptions;
using tessera::Size2D;

constexpr double largest = 1e9;
const CLI::Range positive_integer(std::int64_t{1}, std::int64_t{1'000'000'000});
const CLI::Range positive_number(1e-12, largest);
const CLI::Range not_negative(0.0, largest);

void add_size(CLI::App& app, Size2D& size, const std::string& help) {
  app.add_option_function<std::string>(
         "--size",
         [&size](const std::string& text) {
           try {
             size = tessera::parse_size(text);
           } catch (const tessera::Error& error) {
             throw CLI::ValidationError("--size", error.what());
           }
         },
         help)
      ->type_name("N|HxW");
}

void add_threads(CLI::App& app) {
  app.add_option_function<int>(
         "--threads", [](int count) { tessera::set_num_threads(count); },
         "Threads to use; all CPUs by default. Results never depend on it.")
      ->check(CLI::Range(1, 1024));
}

void add_model(CLI::App& app, tessera::ModelOptions& model) {
  app.add_option("--model", model.name, "The network; unet by default, and tiny for shapes")
      ->check(CLI::IsMember(tessera::model_names()));
  app.add_option("--width", model.width, "Channels of the first level (unet, fcn); the model's own by default")
      ->check(positive_integer);
  app.add_option("--depth", model.depth, "How often the image is halved (unet)")->check(CLI::Range(1, 8));
  app.add_option("--norm", model.normalization, "Normalisation (unet)")
      ->check(CLI::IsMember({"batch", "group", "none"}));
}

void add_train(CLI::App& parent, RunOptions& o) {
  CLI::App& app = *parent.add_subcommand("train", "Train a network on a folder of images and masks");
  app.footer(R"(
DIR holds train/images, train/masks, val/images and val/masks. A mask is an image of class indices, 0 the first class,
and has the file stem of its image (cat.jpg and cat.png). Images may have any size.

RUN gets history.jsonl (a line an epoch), last.safetensors, best.safetensors (by validation mIoU) and pictures/ (image,
truth and prediction side by side). The same options and seed give the same files, on any number of threads.

Examples:
  segment train --data shapes                          generated shapes: a first try, no data needed
  segment inspect cells                                what is in a folder, before training on it
  segment train --data cells --model unet --epochs 80
  segment train --data streets --model unet --classes 11 --ignore-index 11 --size 160x208 --loss ce+dice)");
  app.add_option("--data", o.data, "A folder, or \"shapes\" for generated images")->required()->type_name("DIR|shapes");
  app.add_option("--out", o.out, "Where the run goes; runs/MODEL-N by default")->type_name("RUN");

  app.option_defaults()->group("Network");
  add_model(app, o.model);
  app.add_option("--classes", o.classes, "Number of classes; counted in the masks by default")
      ->check(CLI::Range(2, 65535));
  app.add_option("--ignore-index", o.ignore_index, "A mask value whose pixels do not count")
      ->check(CLI::Range(0, 65535));

  app.option_defaults()->group("Images");
  add_size(app, o.size,
           "Size of the shapes, or of the random crops trained on; 64 for shapes, for folders the images' "
           "own up to 256");
  app.add_flag("--flip,!--no-flip", o.flip, "Mirror half of the images left to right (default for folders)");
  app.add_flag("--turn,!--no-turn", o.turn, "Turn images by quarter turns, too, for images without an up");

  app.option_defaults()->group("Training");
  app.add_option("--epochs", o.epochs,
                 "Passes over the training part; 10 for shapes; for folders 60, or more where they make less than "
                 "1000 steps")
      ->check(positive_integer);
  app.add_option("--batch-size", o.batch_size, "Images a step; 8 for shapes, 4 for folders")->check(positive_integer);
  app.add_option("--loss", o.loss, "A weighted sum of ce, focal, dice and jaccard, such as ce+0.5*dice")
      ->capture_default_str();
  app.add_option("--optimizer", o.optimizer.name, "The optimizer")
      ->check(CLI::IsMember(tessera::optimizer_names()))
      ->capture_default_str();
  app.add_option("--lr", o.optimizer.lr,
                 "Learning rate; 0.002 for adamw and adam (0.01 on shapes), 0.001 for rmsprop, 0.05 for sgd")
      ->check(positive_number);
  app.add_option("--weight-decay", o.optimizer.weight_decay, "0.01 for adamw, 0 for the others")->check(not_negative);
  app.add_option("--schedule", o.optimizer.schedule, "How the learning rate falls over the run")
      ->check(CLI::IsMember(tessera::schedule_names()))
      ->capture_default_str();
  app.add_option("--warmup", o.warmup_epochs, "Epochs over which the learning rate rises first")->check(not_negative);
  app.add_option("--clip-norm", o.clip_norm, "Largest norm of the gradients; none by default")->check(positive_number);
  app.add_option("--seed", o.seed, "Of first weights, data order and augmentation")->capture_default_str();
  app.add_option("--max-minutes", o.max_minutes, "End after the first epoch that ends later than this")
      ->check(positive_number);
  add_threads(app);
  app.final_callback([&o] { train(o); });
}

void add_evaluate(CLI::App& parent, EvaluateOptions& o) {
  CLI::App& app = *parent.add_subcommand("evaluate", "Measure a network on images with masks");
  app.footer(R"(
Counts over all pixels of all images together (one confusion matrix); pixels of the ignored label do not count. IoU of a
class: right / (true or predicted). mIoU: the mean over the classes that occur.

Examples:
  segment evaluate runs/unet-1/best.safetensors --data cells
  segment evaluate runs/unet-1/best.safetensors --data cells --split test --json)");
  app.add_option("MODEL", o.model, "A checkpoint, such as RUN/best.safetensors")->required();
  app.add_option("--data", o.data, "A folder, or \"shapes\"")->required()->type_name("DIR|shapes");
  app.add_option("--split", o.split, "Which part of it: DIR/SPLIT/images and DIR/SPLIT/masks")->capture_default_str();
  app.add_flag("--json", o.json, "Print JSON");
  add_threads(app);
  app.final_callback([&o] { evaluate(o); });
}

void add_predict(CLI::App& parent, PredictOptions& o, int& status) {
  CLI::App& app = *parent.add_subcommand("predict", "Segment images");
  app.footer(R"(
Images may have any size. For cat.jpg, OUT gets cat.png, a grey PNG of class indices, and cat_overlay.png, the image
under the colours of its classes. An image that cannot be read is reported and left out; the exit status is then 1.

Examples:
  segment predict runs/unet-1/best.safetensors photo.jpg --out masks
  segment predict runs/unet-1/best.safetensors cells/val/images more/*.png --out masks)");
  app.add_option("MODEL", o.model, "A checkpoint, such as RUN/best.safetensors")->required();
  app.add_option("PATHS", o.paths, "Images, and folders of images")->required();
  app.add_option("--out", o.out, "Folder for the predictions")->required()->type_name("DIR");
  add_threads(app);
  app.final_callback([&o, &status] { status = predict(o) ? 0 : 1; });
}

void add_inspect(CLI::App& parent, std::filesystem::path& folder) {
  CLI::App& app = *parent.add_subcommand("inspect", "Say what a folder of images and masks holds");
  app.footer(R"(
Lists what has no partner or cannot be read, the sizes of the images, and how often each value stands in the masks, and
suggests --classes and --ignore-index. DIR holds train/ and val/ with images/ and masks/ each, or these two itself.

Example:
  segment inspect cells)");
  app.add_option("DIR", folder, "The folder")->required();
  add_threads(app);
  app.final_callback([&folder] { inspect(folder); });
}

void add_summary(CLI::App& parent, SummaryOptions& o) {
  CLI::App& app = *parent.add_subcommand("summary", "List a network's layers, weights and work");
  app.footer(R"(
Examples:
  segment summary runs/unet-1/best.safetensors --size 512
  segment summary --model unet --width 32 --depth 4 --classes 11 --size 360x480)");
  app.add_option("CHECKPOINT", o.checkpoint, "A checkpoint; without one the network that the options name");
  add_model(app, o.model);
  app.add_option("--channels", o.model.in_channels, "Channels of the images")
      ->check(CLI::Range(1, 4))
      ->capture_default_str();
  app.add_option("--classes", o.model.classes, "Number of classes")->check(CLI::Range(2, 65535))->capture_default_str();
  add_size(app, o.size, "Size of the image; 256 by default");
  app.final_callback([&o] { summarize(o); });
}

int run(int argc, char** argv) {
  CLI::App app("Trains, measures and uses small segmentation networks on a CPU.");
  app.require_subcommand(1);
  app.footer("\nsegment COMMAND --help says more. First steps: segment train --data shapes");
  RunOptions train_options;
  EvaluateOptions evaluate_options;
  PredictOptions predict_options;
  std::filesystem::path inspected;
  SummaryOptions summary_options;
  int status = 0;
  add_train(app, train_options);
  add_evaluate(app, evaluate_options);
  add_predict(app, predict_options, status);
  add_inspect(app, inspected);
  add_summary(app, summary_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const BadInput& error) {
    spdlog::error("{}", error.what());
    return 2;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("segment"));
  spdlog::set_pattern("%^%l%$: %v");
  return run(argc, argv);
}
