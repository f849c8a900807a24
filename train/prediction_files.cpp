#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/prediction_files.hpp>

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> image_paths(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {  // what is not there is reported and skipped as any file that cannot be read
      files.push_back(path);
      continue;
    }
    const std::vector<fs::path> found = images_in(path);
    if (found.empty()) throw IoError(fmt::format("{}: holds no PNG, JPEG or PNM file", path.string()));
    files.insert(files.end(), found.begin(), found.end());
  }
  // A file named twice, or by itself and by its folder, is one image.
  std::set<fs::path> seen;
  std::erase_if(files, [&](const fs::path& file) { return !seen.insert(fs::weakly_canonical(file)).second; });
  return files;
}

/// Names of the predictions: the images' stems; cat_jpg where the folder has a cat.png, too; and where folders hold
/// images of one name, as many of the folders' names before it as tell them apart: train_images_cat.
std::vector<std::string> names_of(std::vector<fs::path> places) {
  std::map<fs::path, int> stems;
  for (const fs::path& place : places) ++stems[fs::path(place).replace_extension()];
  std::vector<std::string> names;
  std::map<std::string, int> found;
  for (const fs::path& place : places) {
    const bool alone = stems[fs::path(place).replace_extension()] == 1;
    std::string name = (alone ? place.stem() : place.filename()).string();
    if (!alone) std::replace(name.begin(), name.end(), '.', '_');
    ++found[name];
    names.push_back(std::move(name));
  }
  std::vector<std::size_t> equal;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (found[names[i]] > 1) equal.push_back(i);
  constexpr int most = 8;
  std::set<std::string> apart;
  for (int folders = 0; folders < most && apart.size() < equal.size(); ++folders) {
    apart.clear();
    for (const std::size_t i : equal) {
      places[i] = places[i].parent_path();
      names[i] = places[i].filename().string() + '_' + names[i];
      apart.insert(names[i]);
    }
  }
  return names;
}

std::string overlay_name(const std::string& name) { return name + "_overlay.png"; }
std::string tensor_name(const std::string& name) { return name + "_probabilities.safetensors"; }
std::string probability_name(const std::string& name, std::int64_t k) {
  return fmt::format("{}_probability_{}.png", name, k);
}

std::vector<std::string> files_of(const std::string& name, ProbabilityFormat probabilities, std::int64_t classes) {
  std::vector<std::string> files{name + ".png", overlay_name(name)};
  if (probabilities == ProbabilityFormat::safetensors) files.push_back(tensor_name(name));
  if (probabilities == ProbabilityFormat::png)
    for (std::int64_t k = 0; k < classes; ++k) files.push_back(probability_name(name, k));
  return files;
}

void write_picture(const fs::path& path, const Tensor& pixels) {
  const std::vector<std::uint8_t> bytes = encode_png(pixels);
  write_whole(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// One class's probabilities as 16-bit grey.
Tensor grey_of(const Tensor& probabilities, std::int64_t k) {
  Tensor grey = Tensor::empty({probabilities.size(0), probabilities.size(1)}, i32);
  auto* out = grey.mutable_data<std::int32_t>();
  const std::int64_t classes = probabilities.size(2);
  const float* in = probabilities.data<float>() + k;
  for (std::int64_t i = 0; i < grey.numel(); ++i)
    out[i] = static_cast<std::int32_t>(std::lround(in[i * classes] * 65535));
  return grey;
}

}  // namespace

std::vector<PredictionTask> prediction_tasks(const std::vector<fs::path>& paths, const fs::path& out,
                                             ProbabilityFormat probabilities, std::int64_t classes) {
  const std::vector<fs::path> files = image_paths(paths);
  std::vector<fs::path> places;
  for (const fs::path& file : files) places.push_back(fs::weakly_canonical(file));
  const std::set<fs::path> inputs(places.begin(), places.end());
  const std::vector<std::string> names = names_of(std::move(places));
  std::vector<PredictionTask> tasks;
  std::map<std::string, fs::path> written;
  const fs::path folder = fs::weakly_canonical(out);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const fs::path& file = files[i];
    for (const std::string& result : files_of(names[i], probabilities, classes)) {
      const auto [other, added] = written.emplace(result, file);
      if (!added)
        throw ValueError(fmt::format("{} and {} would both be written to {}: predict them into different folders",
                                     other->second.string(), file.string(), (out / result).string()));
      if (inputs.contains(folder / result))
        throw ValueError(fmt::format("{}: the prediction of {} would take its place: choose another output folder",
                                     (out / result).string(), file.string()));
    }
    tasks.push_back({file, names[i]});
  }
  return tasks;
}

fs::path mask_file(const fs::path& out, const std::string& name) { return out / (name + ".png"); }

void write_prediction(const fs::path& out, const std::string& name, const Tensor& image, const Prediction& prediction,
                      const std::vector<Rgb>& colors, ProbabilityFormat probabilities) {
  const Tensor &mask = prediction.classes, &shares = prediction.probabilities;
  write_picture(out / overlay_name(name), overlay(image, mask, colors));
  if (probabilities == ProbabilityFormat::safetensors)
    write_safetensors(out / tensor_name(name), {{"probabilities", shares}});
  if (probabilities == ProbabilityFormat::png)
    for (std::int64_t k = 0; k < shares.size(2); ++k)
      write_picture(out / probability_name(name, k), grey_of(shares, k));
  write_picture(mask_file(out, name), colors.size() <= 256 ? mask.to(u8) : mask);
}

}  // namespace tessera
