#include <spdlog/spdlog.h>

#include <map>
#include <tessera/data/folder.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/pictures.hpp>
#include <tessera/train/predict.hpp>

#include "commands.hpp"

namespace segment {
namespace {

using namespace tessera;
namespace fs = std::filesystem;

/// The images named, folders read one level deep, by the stem that their predictions get.
std::map<std::string, fs::path> images_of(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (!fs::exists(path)) throw BadInput(fmt::format("{}: there is no such file or folder", path.string()));
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    const std::vector<fs::path> found = checked([&] { return image_files(path); });
    if (found.empty()) throw BadInput(fmt::format("{}: holds no PNG, JPEG or PNM file", path.string()));
    files.insert(files.end(), found.begin(), found.end());
  }
  std::map<std::string, fs::path> by_stem;
  for (const fs::path& file : files) {
    const auto [other, added] = by_stem.emplace(file.stem().string(), file);
    if (!added && !fs::equivalent(other->second, file))
      throw BadInput(fmt::format("{} and {} would both be written to {}.png: predict them into different folders",
                                 other->second.string(), file.string(), file.stem().string()));
  }
  return by_stem;
}

Tensor index_pixels(const Tensor& mask, std::int64_t classes) { return classes <= 256 ? mask.to(u8) : mask; }

}  // namespace

bool predict(const PredictOptions& options) {
  const std::map<std::string, fs::path> images = images_of(options.paths);
  Predictor predictor = checked([&] { return Predictor(load_checkpoint(options.model)); });
  checked([&] { make_output_folder(options.out); });
  const std::int64_t classes = predictor.labels().classes;
  const std::vector<Rgb> colors = class_colors(classes);

  std::size_t failed = 0;
  for (const auto& [stem, path] : images) {
    Tensor image;
    try {
      image = predictor.read(path);
    } catch (const Error& error) {
      spdlog::error("{}; it is left out", error.what());
      ++failed;
      continue;
    }
    const Tensor mask = predictor(image);
    write_png(options.out / (stem + ".png"), index_pixels(mask, classes));
    write_png(options.out / (stem + "_overlay.png"), overlay(image, mask, colors));
  }
  spdlog::info("{} of {} images predicted: class indices in {}, in colour beside them (*_overlay.png)",
               images.size() - failed, images.size(), (options.out / "*.png").string());
  return failed == 0;
}

}  // namespace segment
