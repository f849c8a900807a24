#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tessera/core/conv_geometry.hpp>
#include <tessera/data/dataset.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/train/make_optimizer.hpp>
#include <vector>

namespace tessera {

/// A training run as a command line names it; what is 0 or empty gets a default that fits the data.
struct RunOptions {
  std::string data{};           ///< a folder with train/ and val/, or "shapes"
  std::filesystem::path out{};  ///< runs/MODEL-N by default

  ModelOptions model{.name = ""};  ///< by default tiny for shapes, unet for folders; channels and classes by the data
  std::int64_t classes = 0;        ///< 0: counted in the masks
  std::int32_t ignore_index = no_label;  ///< mask value of pixels that do not count

  std::string mask_values{};          ///< values of the classes in the masks, "0,255"; empty: 0, 1, 2, ...
  std::filesystem::path color_map{};  ///< file of the classes' names, and of their colours in the masks
  std::string class_names{};          ///< as class_names_from_spec takes them; empty: none, or the colour map's

  Size2D size{};          ///< of the shapes, or of the crops trained on
  std::string augment{};  ///< as augmentation_from_spec takes it; by default flip for folders, none for shapes

  std::int64_t epochs = 0;
  std::int64_t passes = 0;  ///< over the training part in an epoch; 0: by the data, 1 where epochs are given
  std::int64_t batch_size = 0;
  std::string loss = "ce";
  /// As class_weights_from_spec takes it; by default root for folders of up to 2000 images, none else. A prepared run
  /// has the numbers.
  std::string class_weights{};
  OptimizerOptions optimizer{};
  double warmup_epochs = 0;
  double clip_norm = 0;
  std::int64_t accumulate = 1;  ///< batches whose gradients make one step
  double ema = 0;               ///< decay of the weights' moving average; 0: none
  std::uint64_t seed = 0;
  double max_minutes = 0;     ///< ends the run after the first epoch that ends later; 0: never
  std::int64_t patience = 0;  ///< ends the run after this many epochs in a row without a better mIoU; 0: never
  double save_every = 10;     ///< minutes between checkpoints within an epoch; 0: none
  bool strict = false;        ///< stop at an image that cannot be read, instead of leaving it out
  int threads = 0;            ///< 0: as many as are set already, all CPUs unless set_num_threads was called
};

/// One option of a training run: the name that command lines and files give it, and its place in RunOptions.
struct RunOption {
  std::string name;   ///< "batch-size"
  std::string group;  ///< heading in --help and in options.toml
  std::string help;
  std::string value;  ///< what --help shows for the value: "N"; empty for a flag, which is true or false
  bool quoted;        ///< whether TOML writes the value in quotes
  bool recorded;      ///< changes the result: checkpoints hold it, and a resumed run must have the same
  /// ValueError says what was expected instead of `text`.
  std::function<void(RunOptions&, const std::string& text)> set;
  /// What `set` takes; empty where nothing is set.
  std::function<std::string(const RunOptions&)> get;
};

/// All options, the only place that lists them: command line, files, checkpoints and checks follow it.
const std::vector<RunOption>& run_options();

/// Sets the option of that name, '-' and '_' being the same; ValueError for a wrong value, or an unknown name with the
/// nearest one there is, if any is near.
void set_option(RunOptions& options, const std::string& name, const std::string& text);

/// Of these names of options the one that `name` may be meant for, also where it is what other programs call it; empty
/// where none is near.
std::string nearest_option(const std::string& name, const std::vector<std::string>& names);

/// ValueError names the first option that is out of range.
void check_options(const RunOptions& options);

/// The options that change the result, by name, as checkpoints keep them.
std::map<std::string, std::string> recorded_options(const RunOptions& options);

/// All options as a TOML file; `out` stands in a comment, so that the file repeats the run in a folder of its own.
std::string to_toml(const RunOptions& options);

/// "64" or "180x240", height first, or "180,240", as lists in files arrive; ValueError where it is none of these.
Size2D parse_size(const std::string& text);

}  // namespace tessera
