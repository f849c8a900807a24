#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <tessera/core/random.hpp>
#include <tessera/data/augmentation_spec.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/data/mask_encoding.hpp>
#include <tessera/data/shapes.hpp>
#include <tessera/train/class_labels.hpp>
#include <tessera/train/first_reading.hpp>
#include <tessera/train/inspect_hint.hpp>
#include <tessera/train/mask_advice.hpp>
#include <tessera/train/mask_passes.hpp>
#include <tessera/train/run.hpp>
#include <tessera/train/run_folder.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t shapes_to_train = 1000, shapes_to_validate = 200;
/// More samples than these are not all read before training begins.
constexpr std::int64_t checked_samples = 2000;
/// Images that mean and deviation are measured on.
constexpr std::int64_t measured_images = 256;

void check(const RunOptions& o) {
  check_options(o);
  if (o.data == "shapes" && o.classes != 0 && o.classes != 4)
    throw ValueError(fmt::format("classes: the generated shapes have 4, got {}", o.classes));
  if (o.data == "shapes" && !o.class_names.empty())
    throw ValueError("class-names: the generated shapes have names of their own");
  if (o.data == "shapes" && o.size.height != o.size.width)
    throw ValueError(fmt::format("size: the generated shapes are square, got {}", o.size.str()));
}

std::shared_ptr<const Dataset> shapes(const std::string& split, std::int64_t size) {
  const std::int64_t count = split == "train" ? shapes_to_train : shapes_to_validate;
  return std::make_shared<ShapesDataset>(ShapesOptions{.count = count, .size = size, .split = split});
}

/// Finds what is wrong with the files of a part, unless they are too many to read them all first.
std::optional<FirstReading> read_part(Run& run, const FolderDataset& part, std::int64_t measured,
                                      std::set<std::int64_t>& left_out) {
  if (part.size() > checked_samples) return std::nullopt;
  FirstReading reading = first_reading(part, run.options.strict, run.options.seed, measured);
  for (const SkippedSample& sample : reading.unreadable) {
    left_out.insert(sample.index);
    run.left_out.push_back(sample.reason);
  }
  return reading;
}

Sample first_readable(const Dataset& data) {
  for (std::int64_t i = 0; i + 1 < data.size(); ++i) {
    try {
      return data.get(i);
    } catch (const MisfitError&) {
      throw;
    } catch (const IoError&) {  // reported when training comes to it
    }
  }
  return data.get(data.size() - 1);
}

/// Seven eighths of the images, so that crops differ, in steps of 16 and up to 256.
Size2D default_crop(const Dataset& data) {
  const Tensor image = first_readable(data).image;
  const auto side = [](std::int64_t whole) {
    return std::clamp<std::int64_t>(std::llround(static_cast<double>(whole) * 7 / 8 / 16) * 16, 32, 256);
  };
  return {side(image.size(0)), side(image.size(1))};
}

/// How masks are read, as the options say.
ColorMap color_map_of(const RunOptions& o) {
  ColorMap map;
  if (!o.color_map.empty()) map = read_color_map(o.color_map);
  if (!o.mask_values.empty())
    map.encoding.values = encoding_of(parse_mask_values(o.mask_values), o.ignore_index).values;
  if (!o.class_names.empty() && !map.names.empty())
    throw ValueError(fmt::format("class-names: {} names the classes already", o.color_map.string()));
  if (!o.class_names.empty()) map.names = class_names_from_spec(o.class_names);
  return map;
}

/// The network's labels, in masks that are read as the options say, where they say it.
Labels labels_in(const RunOptions& masks, Labels labels) {
  if (masks.ignore_index == no_label && masks.mask_values.empty() && masks.color_map.empty()) return labels;
  const ColorMap map = color_map_of(masks);
  labels.ignore_index = masks.ignore_index;
  labels.encoding = map.encoding;
  if (const std::int64_t classes = classes_of(map.encoding); !map.encoding.empty() && classes != labels.classes)
    throw ValueError(fmt::format("{}: the network has {} classes, this says {}",
                                 map.names.empty() ? "mask-values" : masks.color_map.string(), labels.classes,
                                 classes));
  if (!map.names.empty() && !labels.names.empty() && map.names != labels.names)
    throw ValueError(fmt::format("{}: the network's classes are {}, in this order; got {}", masks.color_map.string(),
                                 fmt::join(labels.names, ", "), fmt::join(map.names, ", ")));
  return labels;
}

/// Stops where classes would be made of what blending has made.
void refuse_blended(const MaskCounts& counts, const fs::path& masks) {
  const MaskAdvice advice = advise(counts);
  if (advice.blended)
    throw IoError(fmt::format("{}: {}; if they are classes, pass --classes", masks.string(), advice.remarks.at(0)));
}

/// `counted`: the number of classes is that found in the masks.
void check_class_names(std::size_t names, std::int64_t classes, bool counted) {
  const auto named = static_cast<std::int64_t>(names);
  if (named == classes) return;
  const std::string hint =
      counted && named > classes ? fmt::format("; --classes {} where the masks lack the last ones", named) : "";
  throw ValueError(fmt::format("class-names: expected a name for each of {} classes, got {}{}", classes, named, hint));
}

/// Returns what was read of the training part.
std::optional<FirstReading> open_folder(Run& run, const ColorMap& map) {
  RunOptions& o = run.options;
  MaskCounts counted;
  FolderOptions folder{.classes = o.classes,
                       .ignore_index = o.ignore_index,
                       .names = map.names,
                       .encoding = map.encoding,
                       .count_values = [&](const std::vector<fs::path>& masks) {
                         MaskValues values = counted_mask_values(masks);
                         counted.values = values;
                         counted.values.erase(o.ignore_index);
                         refuse_blended(counted, masks[0].parent_path());
                         return values;
                       }};
  const auto train = std::make_shared<FolderDataset>(o.data, "train", folder);
  run.train = train;
  for (const std::string& remark : advise(counted).remarks) run.notes.push_back("note: " + remark);
  const std::int64_t classes = train->labels().classes;
  if (counted.values.size() == 1)
    throw ValueError(fmt::format("{}: every mask holds the value {} alone: there is nothing to tell apart", o.data,
                                 counted.values.begin()->first));
  if (!o.class_names.empty()) check_class_names(map.names.size(), classes, o.classes == 0 && map.encoding.empty());
  // What was found is an option of the run from now on: whoever resumes or repeats it need not find it again.
  if (map.encoding.empty()) o.mask_values = fmt::format("{}", fmt::join(mask_values_of(train->labels().encoding), ","));
  folder.classes = classes;
  folder.channels = train->channels();
  folder.encoding = train->labels().encoding;
  const auto val = std::make_shared<FolderDataset>(o.data, "val", folder);
  run.val = val;
  std::optional<FirstReading> reading = read_part(run, *train, measured_images, run.checkpoint.left_out);
  read_part(run, *val, 0, run.val_left_out);
  const auto has_pixels = [](std::int64_t pixels) { return pixels > 0; };
  if (reading && std::none_of(reading->pixels.pixels.begin(), reading->pixels.pixels.end(), has_pixels))
    throw ValueError(
        fmt::format("{}: every pixel of the training masks is ignored: there is nothing to learn", o.data));
  return reading;
}

std::optional<FirstReading> open_both_parts(Run& run) {
  RunOptions& o = run.options;
  if (o.data == "shapes") {
    if (o.size == Size2D{}) o.size = 64;
    run.train = shapes("train", o.size.height);
    run.val = shapes("val", o.size.height);
    return std::nullopt;
  }
  const ColorMap map = color_map_of(o);
  std::optional<FirstReading> reading;
  try {
    reading = open_folder(run, map);
  } catch (const IoError& error) {
    if (!fs::is_directory(o.data)) throw;
    throw IoError(with_inspect_hint(error.what(), o.data));
  }
  // Whole paths, so that the run can be resumed, and its options used, from any folder.
  o.data = fs::absolute(o.data).lexically_normal().string();
  if (!o.color_map.empty()) o.color_map = fs::absolute(o.color_map).lexically_normal();
  const bool names_in_file = !o.class_names.empty() && o.class_names.find(',') == std::string::npos;
  if (names_in_file) o.class_names = fs::absolute(o.class_names).lexically_normal();
  return reading;
}

/// The class weights as numbers, which every later use of the run takes as they are.
std::string class_weights_of(const Run& run, const std::optional<FirstReading>& reading) {
  const std::string& spec = run.options.class_weights;
  const CountedWeights* counted = find_counted_weights(spec);
  return reading && counted != nullptr ? to_spec(counted->of(reading->pixels))
                                       : counted_class_weights(spec, *run.train);
}

Standardization standardization_of(const Run& run, const std::optional<FirstReading>& reading) {
  if (reading) return reading->standardization;
  // A few generated images tell what many do, and training on them should start at once.
  const std::int64_t images = run.options.data == "shapes" ? 16 : measured_images;
  return measured_standardization(*run.train, run.options.seed, images);
}

void fill_defaults(Run& run) {
  RunOptions& o = run.options;
  const bool generated = o.data == "shapes";
  if (o.batch_size == 0) o.batch_size = generated ? 8 : 4;
  if (o.augment.empty()) o.augment = generated ? "none" : "flip";
  // Large folders begin at once: counting reads all masks.
  if (o.class_weights.empty()) o.class_weights = generated || run.train->size() > checked_samples ? "none" : "root";
  if (generated && o.optimizer.lr == 0 && o.optimizer.name.starts_with("adam")) o.optimizer.lr = 0.01;
  o.optimizer = with_defaults(o.optimizer);
  // A few images need many passes: it is steps that train. Validation and saving after each would take as long.
  const std::int64_t images = run.train->size(), step = o.batch_size * o.accumulate;
  if (o.passes == 0) o.passes = generated || o.epochs > 0 ? 1 : std::max<std::int64_t>(1, 50 * step / images);
  const std::int64_t batches = (images * o.passes + o.batch_size - 1) / o.batch_size;
  const std::int64_t steps = (batches + o.accumulate - 1) / o.accumulate;
  if (o.epochs == 0) o.epochs = generated ? 10 : std::max<std::int64_t>(60 / o.passes, 1000 / steps);
  o.optimizer.warmup_steps = std::llround(o.warmup_epochs * static_cast<double>(steps));
  if (o.optimizer.warmup_steps > 0 && o.optimizer.warmup_steps >= o.epochs * steps)
    throw ValueError(
        fmt::format("warmup: expected less than the {} epochs of the run, got {}: the rate would never be "
                    "reached",
                    o.epochs, o.warmup_epochs));
  o.threads = num_threads();
  if (o.out.empty()) o.out = new_folder(fmt::format("runs/{}-", o.model.name));
}

/// What the training part's labels mean, and which colours they are drawn in.
Labels labels_of(const Run& run) {
  Labels labels = run.train->labels();
  if (const auto* folder = dynamic_cast<const FolderDataset*>(run.train.get());
      folder != nullptr && labels.encoding.colors.empty())
    labels.colors = palette_colors(*folder);
  return labels;
}

/// A hash of the names of a part's images.
std::string hash_of_names(const Dataset& data) {
  std::uint64_t names = 0;
  if (const auto* folder = dynamic_cast<const FolderDataset*>(&data))
    for (const FolderDataset::Pair& pair : folder->pairs()) names = names * 31 + stream_of(pair.stem);
  return fmt::format("names {:08x}", names >> 32);
}

/// The options that change the result, with what else of the data does.
std::map<std::string, std::string> recorded(const Run& run) {
  std::map<std::string, std::string> all = recorded_options(run.options);
  all.emplace("training images", fmt::format("{}", run.train->size()));
  all.emplace("validation images", fmt::format("{}", run.val->size()));
  all.emplace("training images' names", hash_of_names(*run.train));
  all.emplace("validation images' names", hash_of_names(*run.val));
  return all;
}

/// Goes on with a run only where that gives what the run would have given.
void check_unchanged(const std::map<std::string, std::string>& now, const Checkpoint& saved) {
  for (const auto& [name, before] : saved.options) {
    const auto found = now.find(name);
    if (found == now.end() || found->second == before) continue;
    const bool laid_out = now.at("schedule") != "constant";
    if (name == "epochs" && !laid_out) continue;
    const std::string hint = name == "epochs" ? fmt::format(
                                                    "the {} schedule is laid out over the epochs; only "
                                                    "with schedule constant may they change",
                                                    now.at("schedule"))
                                              : "begin a new run for that";
    throw ValueError(fmt::format("{}: the run to go on with has {}, and {} would change its result; {}", name,
                                 before.empty() ? "none" : before, found->second.empty() ? "none" : found->second,
                                 hint));
  }
}

/// `saved` is null for a run that begins.
Run prepare(RunOptions options, const Checkpoint* saved) {
  if (options.model.name.empty()) options.model.name = options.data == "shapes" ? "tiny" : "unet";
  check(options);
  if (options.threads > 0) set_num_threads(options.threads);
  if (saved != nullptr && options.classes == 0) options.classes = saved->labels.classes;
  if (saved != nullptr && options.class_weights.empty() && saved->options.contains("class-weights"))
    options.class_weights = saved->options.at("class-weights");
  Run run{.options = std::move(options), .train = {}, .val = {}, .model = {}, .checkpoint = {}};
  const std::optional<FirstReading> reading = open_both_parts(run);
  fill_defaults(run);
  RunOptions& o = run.options;
  o.class_weights = class_weights_of(run, reading);
  o.model.in_channels = run.train->channels();
  o.model.classes = o.classes = run.train->labels().classes;
  o.model = with_defaults(o.model);
  run.model = make_model(o.model);
  run.model->initialize(o.seed);
  if (o.size == Size2D{}) o.size = reading_samples(o.data, [&] { return default_crop(*run.train); });
  o.size = run.model->input_sizes().enlarged(o.size);
  if (saved != nullptr) {
    check_unchanged(recorded(run), *saved);
    if (run.train->labels().names != saved->labels.names || run.train->labels().encoding != saved->labels.encoding)
      throw ValueError("data: the classes' names, colours or mask values are not those that the run began with");
    std::set<std::int64_t> left_out = std::move(run.checkpoint.left_out);
    run.checkpoint = *saved;
    for (const std::int64_t index : saved->left_out)
      if (const auto* folder = dynamic_cast<const FolderDataset*>(run.train.get());
          folder != nullptr && !left_out.contains(index))
        run.left_out.push_back(fmt::format("{}: could not be read before the run was resumed",
                                           folder->pairs().at(static_cast<std::size_t>(index)).image.string()));
    run.checkpoint.left_out.merge(left_out);
    run.checkpoint.options = recorded(run);
    return run;
  }
  run.checkpoint = {.model = o.model,
                    .labels = labels_of(run),
                    .standardization = reading_samples(o.data, [&] { return standardization_of(run, reading); }),
                    .left_out = std::move(run.checkpoint.left_out),
                    .seed = o.seed,
                    .options = recorded(run)};
  return run;
}

}  // namespace

Run prepare_run(RunOptions options) { return prepare(std::move(options), nullptr); }

Run resume_run(RunOptions options) {
  const fs::path file = options.out / "last.safetensors";
  if (!fs::exists(file)) return prepare(std::move(options), nullptr);
  const Checkpoint saved = load_checkpoint(file);
  return prepare(std::move(options), &saved);
}

std::shared_ptr<const Dataset> open_data(const std::string& data, const std::string& split,
                                         const Checkpoint& checkpoint, const RunOptions& masks) {
  if (data == "shapes") {
    const auto size = checkpoint.options.find("size");
    // Crops of a folder may have been smaller than shapes can be.
    const std::int64_t side = size == checkpoint.options.end() ? 64 : parse_size(size->second).height;
    auto generated = shapes(split, std::max<std::int64_t>(side, 32));
    const ModelOptions& model = checkpoint.model;
    if (generated->labels().classes != model.classes || generated->channels() != model.in_channels)
      throw ValueError(fmt::format(
          "data: the generated shapes have {} classes and {} channels, the network has {} and {}: it was trained on "
          "something else",
          generated->labels().classes, generated->channels(), model.classes, model.in_channels));
    return generated;
  }
  Labels labels = labels_in(masks, checkpoint.labels);
  return std::make_shared<FolderDataset>(data, split,
                                         FolderOptions{.classes = labels.classes,
                                                       .ignore_index = labels.ignore_index,
                                                       .channels = checkpoint.model.in_channels,
                                                       .names = std::move(labels.names),
                                                       .encoding = std::move(labels.encoding),
                                                       .trained = true});
}

}  // namespace tessera
