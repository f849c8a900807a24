#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tessera/core/tensor.hpp>
#include <tessera/data/dataset.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/predict.hpp>
#include <vector>

namespace tessera {

/// How class probabilities are written.
enum class ProbabilityFormat : std::uint8_t {
  none,
  safetensors,  ///< NAME_probabilities.safetensors: "probabilities", f32 [H, W, classes]
  png,          ///< NAME_probability_K.png for each class K: 16-bit grey, 65535 is certain
};

/// An image to be predicted and what its predictions are called.
struct PredictionTask {
  std::filesystem::path image;
  std::string name;
};

/// The images among `paths`, files as they are and folders read one level deep, and a name for each: the file's stem;
/// where its folder has several of that, the whole name with '_' for its dot ("a_png" and "a_jpg"); and where folders
/// have images of one name, theirs before it ("train_images_a").
///
/// IoError for a folder without images; ValueError where two images would still get the same files in `out`, or a file
/// would take the place of an image that is to be read. A path that is not there is found out by reading it.
std::vector<PredictionTask> prediction_tasks(const std::vector<std::filesystem::path>& paths,
                                             const std::filesystem::path& out, ProbabilityFormat probabilities,
                                             std::int64_t classes);

/// NAME.png: the class indices, which is written last, so that where it stands everything does.
std::filesystem::path mask_file(const std::filesystem::path& out, const std::string& name);

/// Writes into `out` NAME_overlay.png, the probabilities as asked for, and NAME.png, each file whole or not at all.
///
/// image [H, W, C] of 0 to 1, whose prediction has the probabilities that are to be written. IoError for what the
/// system refuses.
void write_prediction(const std::filesystem::path& out, const std::string& name, const Tensor& image,
                      const Prediction& prediction, const std::vector<Rgb>& colors, ProbabilityFormat probabilities);

}  // namespace tessera
