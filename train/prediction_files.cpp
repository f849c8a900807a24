#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/softmax.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/interop/atomic_file.hpp>
#include <tessera/interop/safetensors.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>
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

/// The file's stem after the names of so many folders that it lies in: "val_images_cat".
std::string name_under(const fs::path& file, int folders) {
  std::string name = file.stem().string();
  fs::path folder = fs::weakly_canonical(file).parent_path();
  for (int i = 0; i < folders; ++i, folder = folder.parent_path()) name = folder.filename().string() + '_' + name;
  return name;
}

/// How many folders tell files of the same name apart.
int folders_apart(const std::vector<fs::path>& files, const std::map<std::string, int>& filenames) {
  constexpr int most = 8;
  for (int folders = 1; folders < most; ++folders) {
    std::set<std::string> names;
    if (std::all_of(files.begin(), files.end(), [&](const fs::path& file) {
          return filenames.at(file.filename().string()) == 1 || names.insert(name_under(file, folders)).second;
        }))
      return folders;
  }
  return most;
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
  std::map<std::string, int> stems, filenames;
  std::set<fs::path> inputs;
  for (const fs::path& file : files) {
    ++stems[file.stem().string()];
    ++filenames[file.filename().string()];
    inputs.insert(fs::weakly_canonical(file));
  }
  std::vector<PredictionTask> tasks;
  std::map<std::string, fs::path> written;
  const fs::path folder = fs::weakly_canonical(out);
  const int folders = folders_apart(files, filenames);
  for (const fs::path& file : files) {
    std::string name = file.stem().string();
    if (filenames[file.filename().string()] > 1) {
      name = name_under(file, folders);
    } else if (stems[name] > 1) {
      name = file.filename().string();
      std::replace(name.begin(), name.end(), '.', '_');
    }
    for (const std::string& result : files_of(name, probabilities, classes)) {
      const auto [other, added] = written.emplace(result, file);
      if (!added)
        throw ValueError(fmt::format("{} and {} would both be written to {}: predict them into different folders",
                                     other->second.string(), file.string(), (out / result).string()));
      if (inputs.contains(folder / result))
        throw ValueError(fmt::format("{}: the prediction of {} would take its place: choose another output folder",
                                     (out / result).string(), file.string()));
    }
    tasks.push_back({file, std::move(name)});
  }
  return tasks;
}

fs::path mask_file(const fs::path& out, const std::string& name) { return out / (name + ".png"); }

void write_prediction(const fs::path& out, const std::string& name, const Tensor& image, const Tensor& scores,
                      const std::vector<Rgb>& colors, ProbabilityFormat probabilities) {
  const Tensor mask = best_classes(scores);
  write_picture(out / overlay_name(name), overlay(image, mask, colors));
  if (probabilities != ProbabilityFormat::none) {
    const Tensor shares = softmax(scores);
    if (probabilities == ProbabilityFormat::safetensors)
      write_safetensors(out / tensor_name(name), {{"probabilities", shares}});
    else
      for (std::int64_t k = 0; k < shares.size(2); ++k)
        write_picture(out / probability_name(name, k), grey_of(shares, k));
  }
  write_picture(mask_file(out, name), scores.size(2) <= 256 ? mask.to(u8) : mask);
}

}  // namespace tessera
