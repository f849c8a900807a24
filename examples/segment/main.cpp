// segment: trains, measures and uses small segmentation networks. What it does lies in train/; this is the command
// line.
#include <fmt/ranges.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <tessera/core/nearest_name.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/text.hpp>
#include <tessera/data/augmentation_spec.hpp>
#include <tessera/data/misfit.hpp>
#include <tessera/train/option_value.hpp>

#include "commands.hpp"
#include "run_flags.hpp"

namespace {

using namespace segment;
using tessera::RunOptions;
using tessera::Size2D;

/// Checks a number; CLI::Range would name its ends with six decimals.
template <class Number>
auto within(Number least, Number most) {
  return [range = tessera::NumberRange<Number>{.least = least, .most = most}](const std::string& text) {
    const std::optional<Number> number = tessera::parse_number<Number>(text);
    return number && range.holds(*number) ? std::string() : fmt::format("expected {}, got {}", range.str(), text);
  };
}

void add_size(CLI::App& app, Size2D& size, const std::string& help, const std::string& option = "--size") {
  app.add_option_function<std::string>(
         option,
         [&size, option](const std::string& text) {
           try {
             size = tessera::parse_size(text);
           } catch (const tessera::Error& error) {
             throw CLI::ValidationError(option, error.what());
           }
         },
         help)
      ->type_name("N|HxW");
}

void add_threads(CLI::App& app) {
  app.add_option_function<int>(
         "--threads", [](int count) { tessera::set_num_threads(count); },
         "Threads to use; all CPUs by default. Results never depend on it.")
      ->check(within(1, 1024));
}

void add_inference(CLI::App& app, tessera::InferenceOptions& o) {
  using tessera::Flips;
  app.add_flag_callback(
      "--flips", [&o] { o.flips = Flips::horizontal; },
      "Average the probabilities with those of the image mirrored left to right; takes twice as long");
  app.add_flag_callback(
      "--all-flips", [&o] { o.flips = Flips::all; },
      "The same with the image mirrored top to bottom and both ways, too; takes four times as long");
  add_size(
      app, o.tile,
      "Cut images into overlapping tiles of this size; by default only those that are too large for --memory, into "
      "tiles of the size trained on",
      "--tile");
  app.add_option("--overlap", o.overlap, "The share of a tile that its neighbour covers, too")
      ->check(within(0.0, 0.75))
      ->capture_default_str();
  app.add_option_function<double>(
         "--memory",
         [&o](double gigabytes) { o.memory = static_cast<std::int64_t>(gigabytes * static_cast<double>(1 << 30)); },
         "Gigabytes that a pass over a whole image may take, as estimated; 2 by default")
      ->check(within(0.001, 1e6));
}

/// A line a transform, for --help.
std::string augmentation_help() {
  std::string text = "--augment takes any of, with commas between them (applied in this order):\n";
  for (const tessera::AugmentationName& name : tessera::augmentation_names())
    text += fmt::format("  {:<16} {}\n", name.example, name.meaning);
  return text;
}

void add_train(CLI::App& parent, TrainOptions& o, int& status) {
  CLI::App& app = *parent.add_subcommand("train", "Train a network on a folder of images and masks");
  app.footer(std::string(R"(
DIR holds train/images, train/masks, val/images and val/masks; or images and masks alone, of which every fifth pair or so
is kept to validate on, the same ones each time. A mask is an image of class indices, 0 the first class (or 1, where 0 never
occurs or --ignore-index 0 takes it out; predictions count from 0 all the same),
and has the file stem of its image (cat.jpg and cat.png). Images may have any size. Where some are in colour, grey ones
count as coloured, too.

RUN gets options.toml (all options), history.jsonl (a line an epoch), report.html (curves, classes and images, to be
watched while training runs), last.safetensors, best.safetensors (by validation mIoU) and pictures/ (image, truth and
prediction side by side). With --ema the averaged weights are the ones that are validated and saved for use.

The same options and seed give the same files, on any number of threads and however often the run is stopped and
resumed: Ctrl-C finishes the step, saves and exits; twice, it leaves at once.

All files of a part of up to 2000 images are read before training, of a larger one the masks where --classes is not given or
class weights are by name. What takes long to find so is remembered in ~/.cache/tessera until one of the files changes.
Masks that were blended when they were resized have values that are no classes: training stops at them, unless --classes says
how many there are.

)") + augmentation_help() +
             R"(
Examples:
  segment train --data shapes                          generated shapes: a first try, no data needed
  segment inspect cells                                what is in a folder, before training on it
  segment train --data cells --model unet --epochs 80
  segment train --data cells --augment turn,flip,rotate=15,elastic,brightness=0.1
  segment train --data cells --augment turn,flip,rotate=15,elastic --preview-augmentation sheet.png
  segment train --data streets --classes 11 --ignore-index 11 --ema 0.998 --max-minutes 40
  segment train --data cells --overfit-one-batch       a minute's test of data, loss and learning rate
  segment train --resume runs/unet-1                   go on where Ctrl-C, or a power cut, ended it
  segment train --config runs/unet-1/options.toml --seed 1)");
  // The first options, so that those after them have the last word.
  CLI::Option* config = app.add_option_function<std::string>(
      "--config", [&o](const std::string& file) { read_config(file, o.run); },
      "Options from a TOML or JSON file, such as another run's options.toml; a command line beats the file");
  config->type_name("FILE")->group("Run");
  CLI::Option* resume = app.add_option_function<std::string>(
      "--resume",
      [&o](const std::string& run) {
        read_config(std::filesystem::path(run) / "options.toml", o.run);
        o.run.out = run;
        o.resume = true;
      },
      "Go on with the run in this folder, from its last checkpoint and with its options; what changes the result may "
      "not be changed");
  resume->type_name("RUN")->group("Run")->excludes(config);
  add_run_flags(app, o.run);
  app.add_flag("--overfit-one-batch", o.overfit,
               "Only try whether the network learns one batch by heart, and say what may be wrong where it does not")
      ->group("Self-test");
  app.add_option("--preview-augmentation", o.preview,
                 "Only draw what --augment makes of a few images, as a PNG, and end")
      ->check([](const std::string& text) {
        std::filesystem::path file = text;
        if (file.extension() == ".png" || file.extension() == ".PNG") return std::string();
        return fmt::format("expected a name that ends in .png, got {}; the nearest is {}", text,
                           file.replace_extension(".png").string());
      })
      ->type_name("FILE")
      ->group("Self-test");
  resume->excludes(app.get_option("--out"));
  app.final_callback([&o, &status] {
    if (o.run.data.empty()) throw CLI::RequiredError("--data");
    status = train(o);
  });
}

void add_evaluate(CLI::App& parent, EvaluateOptions& o, int& status) {
  CLI::App& app = *parent.add_subcommand("evaluate", "Measure a network on images with masks");
  app.footer(R"(
Counts over all pixels of all images together (one confusion matrix); pixels of the ignored label do not count.
  pixel accuracy          right pixels / pixels
  accuracy of a class     right / true pixels of the class; class accuracy: its mean
  IoU of a class          right / (true or predicted); mIoU: its mean over the classes that are in the masks or predicted
  Dice of a class         2 right / (true + predicted)
  frequency-weighted IoU  IoU weighted by the classes' shares of the true pixels
  boundary F1 (BF)        F1 of the outlines that lie within the tolerance of each other, by class and image; its mean
                          over each image's classes, then over images (Csurka et al. 2013, SegNet)
  per-image mIoU          the mean of each image's own mIoU; some papers give this one
A file that cannot be read is reported and left out; the exit status is then 1.
Masks are read as those trained on, unless --mask-values, --colour-map or --ignore-index say how: then by these alone.

Examples:
  segment evaluate runs/unet-1 --data cells
  segment evaluate runs/unet-1 --data more --mask-values 10,20 --ignore-index 0
  segment evaluate runs/unet-1/best.safetensors --data cells --split test --json)");
  app.add_option("MODEL", o.model, "A checkpoint, or a run's folder, whose best one it is")->required();
  app.add_option("--data", o.data, "A folder, or \"shapes\"")->required()->type_name("DIR|shapes");
  app.add_option("--split", o.split,
                 "Which part of it: DIR/SPLIT/images and DIR/SPLIT/masks; val by default, all of a DIR that holds "
                 "images/ and masks/ itself");
  const std::vector<std::string> of_masks{"ignore-index", "mask-values", "colour-map"};
  add_run_flags(app, o.masks, of_masks);
  for (const std::string& name : of_masks) app.get_option("--" + name)->group("Masks unlike those trained on");
  app.add_flag("--json", o.json, "Print JSON, with the scores of every image");
  app.add_option("--boundary-tolerance", o.measures.boundary_tolerance,
                 "How far outlines may lie apart, as a share of the image's diagonal")
      ->check(within(0.0, 1.0))
      ->capture_default_str();
  add_inference(app, o.measures.inference);
  add_threads(app);
  app.final_callback([&o, &status] { status = evaluate(o) ? 0 : 1; });
}

void add_predict(CLI::App& parent, PredictOptions& o, int& status) {
  CLI::App& app = *parent.add_subcommand("predict", "Segment images");
  app.footer(R"(
Images may have any size. For cat.jpg, OUT gets cat.png, a grey PNG of class indices, and cat_overlay.png, the image
under the colours of its classes; beside a cat.png it is called cat_jpg, and where another folder has a cat.jpg, FOLDER_cat. Files that are there already are replaced, but
never an image that is to be read. An image that cannot be read is reported and left out; the exit status is then 1.

Examples:
  segment predict runs/unet-1/best.safetensors photo.jpg --out masks
  segment predict runs/unet-1/best.safetensors cells/val/images more/*.png --out masks
  segment predict runs/unet-1/best.safetensors slides --out masks --tile 512 --overlap 0.5 --probabilities png)");
  app.add_option("MODEL", o.model, "A checkpoint, or a run's folder, whose best one it is")->required();
  app.add_option("PATHS", o.paths, "Images, and folders of images")->required();
  app.add_option("--out", o.out, "Folder for the predictions")->required()->type_name("DIR");
  app.add_option_function<std::string>(
         "--probabilities",
         [&o](const std::string& text) {
           using tessera::ProbabilityFormat;
           if (text != "safetensors" && text != "png")
             throw CLI::ValidationError("--probabilities", "expected one of safetensors, png, got " + text);
           o.probabilities = text == "png" ? ProbabilityFormat::png : ProbabilityFormat::safetensors;
         },
         "Also write the classes' probabilities: as cat_probabilities.safetensors (f32, height x width x "
         "classes) or as cat_probability_K.png for each class K (16-bit grey)")
      ->type_name("safetensors|png");
  app.add_flag("--skip-existing", o.skip_existing, "Leave out images whose predictions are there already");
  add_inference(app, o.inference);
  add_threads(app);
  app.final_callback([&o, &status] { status = predict(o) ? 0 : 1; });
}

void add_inspect(CLI::App& parent, InspectOptions& o, int& status) {
  CLI::App& app = *parent.add_subcommand("inspect", "Say what a folder of images and masks holds");
  app.footer(R"(
Lists what has no partner or cannot be read, the sizes of the images, how often each value or colour stands in the masks
and which masks are empty; suggests the options of segment train for them, and class weights. DIR holds train/ and val/
with images/ and masks/ each, or these two itself. The exit status is 0 where segment train takes all of it with the
options suggested, 1 where it would stop or leave something out, 2 where there is nothing to train on. Files that are no
images are passed over, and listed.

A colour map lists the classes of RGB and palette masks, a line "name R G B" each, numbered from 0. A line named void is
no class: its pixels do not count.

Examples:
  segment inspect cells --html cells.html              with a page of random images under their masks
  segment inspect streets --colour-map classes.txt)");
  app.add_option("DIR", o.folder, "The folder")->required();
  app.add_option("--colour-map", o.color_map, "The classes' colours in RGB and palette masks")->type_name("FILE");
  app.add_option("--html", o.html, "Write a contact sheet: one page, which needs nothing beside it")->type_name("FILE");
  app.add_flag("--json", o.json, "Print JSON");
  add_threads(app);
  app.final_callback([&o, &status] { status = inspect(o) ? 0 : 1; });
}

/// A checkpoint knows its network, and a name is given once.
void check_network_options(const CLI::App& app, const std::string& network) {
  if (network.empty()) return;
  const bool checkpoint = std::filesystem::exists(network);
  for (const char* option : {"--model", "--width", "--depth", "--norm", "--classes", "--channels"})
    if (app.count(option) > 0 && (checkpoint || option == std::string("--model")))
      throw CLI::ValidationError(option,
                                 checkpoint ? network + " says what its network is" : "the network is " + network);
}

void add_summary(CLI::App& parent, SummaryOptions& o, RunOptions& network) {
  CLI::App& app = *parent.add_subcommand("summary", "List a network's layers, weights, work, memory and time");
  app.footer(R"(
A line a layer: its output, its weights, the multiplications that are added up for one image, and the milliseconds that
it takes by itself (the median of seven passes on this machine). Then the memory for one image, as the passes took it.

Examples:
  segment summary runs/unet-1/best.safetensors --size 512
  segment summary unet --width 32 --depth 4 --classes 11 --size 360x480 --json)");
  app.add_option("NETWORK", o.network,
                 "A checkpoint, or a name: " + fmt::format("{}", fmt::join(tessera::model_names(), ", ")));
  add_run_flags(app, network, {"model", "width", "depth", "norm", "classes"});
  app.add_option("--channels", o.model.in_channels, "Channels of the images")
      ->check(within(1, 4))
      ->capture_default_str();
  add_size(app, o.size, "Size of the image; 256 by default");
  app.add_flag("--json", o.json, "Print JSON");
  add_threads(app);
  app.final_callback([&app, &o, &network] {
    check_network_options(app, o.network);
    const std::int64_t channels = o.model.in_channels;
    o.model = network.model;
    o.model.in_channels = channels;
    o.model.classes = network.classes;
    summarize(o);
  });
}

/// CLI11 would only say that they were not expected.
std::string unexpected_argument(const CLI::App& app) {
  const CLI::App* const command = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
  const std::string first = app.remaining(true).front();
  if (!first.starts_with("--")) return fmt::format("segment {}: did not expect \"{}\"", command->get_name(), first);
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  const std::string given = first.substr(0, first.find('=')), nearest = tessera::nearest_option(given.substr(2), names);
  return fmt::format("segment {} has no option {}; {}", command->get_name(), given,
                     nearest.empty() ? fmt::format("segment {} --help lists them", command->get_name())
                                     : "the nearest is --" + nearest);
}

/// CLI11 would only say that a command is missing.
void check_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (argc < 2 || argv[1][0] == '-' || std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  const std::string nearest = tessera::nearest_name(argv[1], names);
  throw BadInput(fmt::format("there is no command {}, only {}{}", argv[1], fmt::join(names, ", "),
                             nearest.empty() ? "" : "; the nearest is " + nearest));
}

/// CLI11's errors about how often an option may stand there, and with how many values, in words.
std::string explained(const CLI::Error& error) {
  std::string text = error.what();
  if (error.get_name() != "ArgumentMismatch") return text;
  const std::string option = text.substr(0, text.find(": "));
  constexpr std::string_view required = "1 required ", missing = " missing";
  const std::size_t type = text.find(required);
  if (text.find("At Most 1 ") != text.npos) return fmt::format("{} is given more than once: expected it once", option);
  if (type == text.npos || !text.ends_with(missing)) return text;
  const std::size_t begin = type + required.size();
  return fmt::format("{}: expected {} after it, got nothing", option,
                     text.substr(begin, text.size() - missing.size() - begin));
}

int run(int argc, char** argv) {
  CLI::App app("Trains, measures and uses small segmentation networks on a CPU.");
  app.require_subcommand(1);
  app.footer("\nsegment COMMAND --help says more. First steps: segment train --data shapes");
  app.failure_message(
      [](const CLI::App*, const CLI::Error& error) { return fmt::format("error: {}\n", explained(error)); });
  TrainOptions train_options;
  EvaluateOptions evaluate_options;
  PredictOptions predict_options;
  InspectOptions inspected;
  SummaryOptions summary_options;
  RunOptions summarized{.model = {.name = "unet"}, .classes = 2};
  int status = 0;
  add_train(app, train_options, status);
  add_evaluate(app, evaluate_options, status);
  add_predict(app, predict_options, status);
  add_inspect(app, inspected, status);
  add_summary(app, summary_options, summarized);
  try {
    check_command(app, argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    spdlog::error("{}", unexpected_argument(app));
    return 2;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const BadInput& error) {
    spdlog::error("{}", error.what());
    return 2;
  } catch (const tessera::MisfitError& error) {  // met in the middle of a run, bad input all the same
    spdlog::error("{}", error.what());
    return 2;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return 1;
  }
  return status;
}

/// What was printed is the result: where it did not arrive, the program has failed.
int checked_output(int status) {
  const bool whole = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (whole) return status;
  spdlog::error("standard output: cannot be written, what was printed is not whole");
  return status == 0 ? 1 : status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file too large for the limit is then an error of the write, as a full disk is
  spdlog::set_default_logger(spdlog::stderr_color_mt("segment"));
  spdlog::set_pattern("%^%l%$: %v");
  return checked_output(run(argc, argv));
}
