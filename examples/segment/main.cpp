// segment: trains, measures and uses small segmentation networks. What it does lies in train/; this is the command
// line.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <tessera/core/parallel.hpp>

#include "commands.hpp"
#include "run_flags.hpp"

namespace {

using namespace segment;
using tessera::RunOptions;
using tessera::Size2D;

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

void add_train(CLI::App& parent, RunOptions& o) {
  CLI::App& app = *parent.add_subcommand("train", "Train a network on a folder of images and masks");
  app.footer(R"(
DIR holds train/images, train/masks, val/images and val/masks. A mask is an image of class indices, 0 the first class,
and has the file stem of its image (cat.jpg and cat.png). Images may have any size.

RUN gets options.toml (all options), history.jsonl (a line an epoch), last.safetensors, best.safetensors (by validation mIoU) and pictures/ (image,
truth and prediction side by side). The same options and seed give the same files, on any number of threads.

Examples:
  segment train --data shapes                          generated shapes: a first try, no data needed
  segment inspect cells                                what is in a folder, before training on it
  segment train --data cells --model unet --epochs 80
  segment train --data streets --model unet --classes 11 --ignore-index 11 --size 160x208 --loss ce+dice)");
  app.add_option_function<std::string>(
         "--config", [&o](const std::string& file) { read_config(file, o); },
         "Options from a TOML or JSON file, such as another run's options.toml; a command line beats the file")
      ->type_name("FILE")
      ->group("Files");  // the first option, so that those after it have the last word
  add_run_flags(app, o);
  app.final_callback([&o] {
    if (o.data.empty()) throw CLI::RequiredError("--data");
    train(o);
  });
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

void add_summary(CLI::App& parent, SummaryOptions& o, RunOptions& network) {
  CLI::App& app = *parent.add_subcommand("summary", "List a network's layers, weights and work");
  app.footer(R"(
Examples:
  segment summary runs/unet-1/best.safetensors --size 512
  segment summary --model unet --width 32 --depth 4 --classes 11 --size 360x480)");
  app.add_option("CHECKPOINT", o.checkpoint, "A checkpoint; without one the network that the options name");
  add_run_flags(app, network, {"model", "width", "depth", "norm", "classes"});
  app.add_option("--channels", o.model.in_channels, "Channels of the images")
      ->check(CLI::Range(1, 4))
      ->capture_default_str();
  add_size(app, o.size, "Size of the image; 256 by default");
  app.final_callback([&o, &network] {
    const std::int64_t channels = o.model.in_channels;
    o.model = network.model;
    o.model.in_channels = channels;
    o.model.classes = network.classes;
    summarize(o);
  });
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
  RunOptions summarized{.model = {.name = "unet"}, .classes = 2};
  int status = 0;
  add_train(app, train_options);
  add_evaluate(app, evaluate_options);
  add_predict(app, predict_options, status);
  add_inspect(app, inspected);
  add_summary(app, summary_options, summarized);
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
