#include <tessera/core/nearest_name.hpp>
#include <tessera/core/text.hpp>
#include <tessera/data/augmentation_spec.hpp>
#include <tessera/layers/losses/loss_spec.hpp>
#include <tessera/train/option_value.hpp>
#include <tessera/train/run_options.hpp>

namespace tessera {
namespace {

constexpr bool changes_result = true;

RunOption option(const char* name, const char* group, bool recorded, const OptionValue& value, const char* help) {
  return {name, group, help, value.shown, value.quoted, recorded, value.set, value.get};
}

/// "cells/train" and "/home/ann/cells/train" may be the same images: only the kind of data is a part of the result.
std::string kind_of_data(const RunOptions& o) { return o.data == "shapes" ? "shapes" : "folder"; }

std::vector<RunOption> all_options() {
  using Whole = NumberRange<std::int64_t>;
  using Real = NumberRange<double>;
  constexpr std::int64_t billion = 1'000'000'000;
  const Whole count{.least = 1, .most = billion};
  const Real above_0{.without_least = true};
  const char *files = "Run", *network = "Network", *images = "Images", *training = "Training",
             *ending = "End and resume", *machine = "Files and machine";
  return {
      option("data", files, false,
             text_value(
                 "DIR|shapes", [](auto& o) -> auto& { return o.data; }),
             "A folder, or \"shapes\" for generated images"),
      option("out", files, false,
             text_value(
                 "RUN", [](auto& o) -> auto& { return o.out; }),
             "Where the run goes, an earlier one there being moved to RUN.1; runs/MODEL-N by default"),

      option("model", network, changes_result,
             choice_value(
                 model_names(), [](auto& o) -> auto& { return o.model.name; }),
             "The network; unet by default, and tiny for shapes"),
      option("width", network, changes_result,
             number_value(
                 "N", count, [](auto& o) -> auto& { return o.model.width; }),
             "Channels of the first level (unet), of every stage (fcn); the model's own by default"),
      option("depth", network, changes_result,
             number_value(
                 "N", Whole{.least = 1, .most = 8}, [](auto& o) -> auto& { return o.model.depth; }),
             "How often the image is halved (unet)"),
      option("norm", network, changes_result,
             choice_value(
                 {"batch", "group", "none"}, [](auto& o) -> auto& { return o.model.normalization; }),
             "Normalisation (unet)"),
      option("classes", network, changes_result,
             number_value(
                 "N", Whole{.least = 2, .most = 65535}, [](auto& o) -> auto& { return o.classes; }),
             "Number of classes; counted in the masks by default"),
      option("ignore-index", network, changes_result,
             number_value(
                 "N", NumberRange<std::int32_t>{.least = no_label, .most = 65535, .unset = no_label},
                 [](auto& o) -> auto& { return o.ignore_index; }),
             "A mask value whose pixels do not count; without it, all count"),

      option(
          "mask-values", images, changes_result,
          text_value(
              "LIST", [](auto& o) -> auto& { return o.mask_values; }),
          "The values of the classes 0, 1, ... in the masks where they are others: 10,20,30. Without it and --classes, "
          "masks of 0 and 255 alone are understood, and masks whose classes are counted from 1"),
      option(
          "colour-map", images, false,
          text_value(
              "FILE", [](auto& o) -> auto& { return o.color_map; }),
          "Names and colours of the classes, in lines \"name R G B\", one a class. RGB and palette masks are read by "
          "the colours, where what is named void does not count; those of class indices keep their indices"),
      option("class-names", images, false,
             text_value(
                 "LIST|FILE", [](auto& o) -> auto& { return o.class_names; }),
             "What the classes are called in tables and reports, where no colour map says it: sky,road,... or a file "
             "with one a line. Colours are those of the masks' palette, where it tells the classes apart"),
      option(
          "size", images, changes_result, size_value([](auto& o) -> auto& { return o.size; }),
          "Size of the shapes, or of the random crops trained on; 64 for shapes, for folders 7/8 of the first image, "
          "up to 256"),
      option("augment", images, changes_result,
             text_value(
                 "LIST", [](auto& o) -> auto& { return o.augment; },
                 [](const std::string& text) {
                   if (trimmed(text).empty())
                     refuse_value("transforms such as flip,rotate=10, or none for no changes", text);
                   augmentation_from_spec(text);
                 }),
             "Random changes of the images trained on, see below; flip for folders, none for shapes by default"),

      option("epochs", training, changes_result,
             number_value(
                 "N", count, [](auto& o) -> auto& { return o.epochs; }),
             "Epochs, after each of which is validated and saved; 10 for shapes; for folders as many as make 60 passes "
             "over the training part, or more where those are less than 1000 steps"),
      option("passes", training, changes_result,
             number_value(
                 "N", count, [](auto& o) -> auto& { return o.passes; }),
             "Passes over the training part in an epoch, each with other crops and changes; 1, and where neither this "
             "nor --epochs is given as many as make 50 steps"),
      option("batch-size", training, changes_result,
             number_value(
                 "N", count, [](auto& o) -> auto& { return o.batch_size; }),
             "Images a step; 8 for shapes, 4 for folders"),
      option("loss", training, changes_result,
             text_value(
                 "SUM", [](auto& o) -> auto& { return o.loss; }, [](const std::string& text) { loss_from_spec(text); }),
             "A weighted sum of ce, bce (each class against all others), focal, dice, jaccard, dice_objects and "
             "jaccard_objects (these two without class 0), such as ce+0.5*dice; ce by default"),
      option(
          "class-weights", training, changes_result,
          text_value(
              "NAME|NUMBERS|FILE", [](auto& o) -> auto& { return o.class_weights; }),
          "Weights of the classes in ce, bce and focal: counted on the training part as median (frequency balancing), "
          "inverse, root (the square root of inverse) or enet; numbers (1,2.5,...), a file with one a line, or "
          "none; by default root for folders of up to 2000 images"),
      option("optimizer", training, changes_result,
             choice_value(
                 optimizer_names(), [](auto& o) -> auto& { return o.optimizer.name; }),
             "The optimizer; adamw by default"),
      option("lr", training, changes_result,
             number_value(
                 "RATE", above_0, [](auto& o) -> auto& { return o.optimizer.lr; }),
             "Learning rate; 0.002 for adamw and adam (0.01 on shapes), 0.001 for rmsprop, 0.05 for sgd"),
      option("weight-decay", training, changes_result,
             number_value(
                 "X", Real{.unset = -1}, [](auto& o) -> auto& { return o.optimizer.weight_decay; }),
             "0.01 for adamw, 0 for the others"),
      option("schedule", training, changes_result,
             choice_value(
                 schedule_names(), [](auto& o) -> auto& { return o.optimizer.schedule; }),
             "How the learning rate falls over the run; poly by default"),
      option("warmup", training, changes_result,
             number_value(
                 "EPOCHS", Real{}, [](auto& o) -> auto& { return o.warmup_epochs; }),
             "Epochs, or a part of one, over which the learning rate rises first; 0 by default"),
      option("clip-norm", training, changes_result,
             number_value(
                 "X", Real{}, [](auto& o) -> auto& { return o.clip_norm; }),
             "Largest norm of all gradients together; 0, the default: any"),
      option("accumulate", training, changes_result,
             number_value(
                 "N", count, [](auto& o) -> auto& { return o.accumulate; }),
             "Batches whose gradients make one step, for batches larger than memory; 1 by default"),
      option("ema", training, changes_result,
             number_value(
                 "DECAY", Real{.most = 0.999999}, [](auto& o) -> auto& { return o.ema; }),
             "Keep a moving average of the weights, such as 0.999, and validate and save that; 0, the default: do not"),
      option("seed", training, changes_result,
             number_value(
                 "N", NumberRange<std::uint64_t>{}, [](auto& o) -> auto& { return o.seed; }),
             "Of first weights, data order and augmentation; 0 by default"),
      option("patience", ending, false,
             number_value(
                 "EPOCHS", Whole{.most = billion}, [](auto& o) -> auto& { return o.patience; }),
             "End after this many epochs in a row without a better validation mIoU; 0, the default: never"),
      option("max-minutes", ending, false,
             number_value(
                 "X", Real{}, [](auto& o) -> auto& { return o.max_minutes; }),
             "End after the first epoch that ends later than this; 0, the default: never"),

      option("save-every", ending, false,
             number_value(
                 "MINUTES", Real{}, [](auto& o) -> auto& { return o.save_every; }),
             "Save within epochs, too, every so often; 10 by default, 0: only after epochs"),

      option("strict", machine, false, flag_value([](auto& o) -> auto& { return o.strict; }),
             "Stop at an image that cannot be read, instead of leaving it out; one that can be and does not fit always "
             "stops"),
      option("threads", machine, false,
             number_value(
                 "N", NumberRange<int>{.least = 1, .most = 1024}, [](auto& o) -> auto& { return o.threads; }),
             "Threads to use; all CPUs by default. Results never depend on it"),
  };
}

std::string with_hyphens(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void set_value(const RunOption& option, RunOptions& options, const std::string& text) {
  try {
    option.set(options, text);
  } catch (const Error& error) {
    throw ValueError(fmt::format("{}: {}", option.name, error.what()));
  }
}

/// A TOML string without escapes: in single quotes where it holds double ones.
std::string quoted(const std::string& text) {
  const char* quote = text.find('"') == text.npos ? "\"" : "'";
  return quote + text + quote;
}

}  // namespace

const std::vector<RunOption>& run_options() {
  static const std::vector<RunOption> options = all_options();
  return options;
}

void set_option(RunOptions& options, const std::string& name, const std::string& text) {
  std::vector<std::string> names;
  for (const RunOption& option : run_options()) {
    if (option.name == with_hyphens(name)) return set_value(option, options, text);
    names.push_back(option.name);
  }
  const std::string nearest = nearest_option(with_hyphens(name), names);
  throw ValueError(
      fmt::format("there is no option \"{}\"; {}", name,
                  nearest.empty() ? "segment train --help lists them" : fmt::format("the nearest is \"{}\"", nearest)));
}

std::string nearest_option(const std::string& name, const std::vector<std::string>& names) {
  static const std::map<std::string, std::string> known_as = {
      {"bs", "batch-size"}, {"learning-rate", "lr"}, {"wd", "weight-decay"}};
  const auto known = known_as.find(name);
  const bool here = known != known_as.end() && std::find(names.begin(), names.end(), known->second) != names.end();
  return here ? known->second : nearest_name(name, names);
}

void check_options(const RunOptions& options) {
  RunOptions copy = options;
  for (const RunOption& option : run_options())
    if (const std::string text = option.get(options); !text.empty()) set_value(option, copy, text);
}

std::map<std::string, std::string> recorded_options(const RunOptions& options) {
  std::map<std::string, std::string> recorded{{"data", kind_of_data(options)}};
  for (const RunOption& option : run_options())
    if (option.recorded) recorded.emplace(option.name, option.get(options));
  return recorded;
}

std::string to_toml(const RunOptions& options) {
  std::string text = "# segment train --config FILE repeats this run; a command line beats the file.\n", group;
  for (const RunOption& option : run_options()) {
    const std::string value = option.get(options);
    if (value.empty()) continue;
    if (option.group != group) text += fmt::format("\n# {}\n", option.group);
    group = option.group;
    text += fmt::format("{}{} = {}\n", option.name == "out" ? "# " : "", option.name,
                        option.quoted ? quoted(value) : value);
  }
  return text;
}

Size2D parse_size(const std::string& text) {
  const auto number = [&](std::string_view part) {
    const std::optional<std::int64_t> value = parse_number<std::int64_t>(part);
    if (!value || *value < 1 || *value > 65536)
      throw ValueError(fmt::format("expected a number or HEIGHTxWIDTH, each from 1 to 65536, got {}", text));
    return *value;
  };
  const std::string_view view = text;
  const std::size_t x = view.find_first_of("x,");
  return x == view.npos ? Size2D(number(view)) : Size2D(number(view.substr(0, x)), number(view.substr(x + 1)));
}

}  // namespace tessera
