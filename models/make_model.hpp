#pragma once

#include <memory>
#include <string>
#include <tessera/models/segmentation_model.hpp>
#include <vector>

namespace tessera {

/// A segmentation model as a command line or a checkpoint names it.
struct ModelOptions {
  std::string name = "unet";       ///< one of model_names()
  std::int64_t in_channels = 3;    ///< channels of the images
  std::int64_t classes = 0;        ///< required
  std::int64_t width = 0;          ///< unet: channels of the first level; fcn: of every stage; 0: the model's default
  std::int64_t depth = 0;          ///< unet: how often it halves the image; 0: the default
  std::string normalization = {};  ///< unet: "batch", "group" or "none"; empty: the default

  bool operator==(const ModelOptions&) const = default;
};

/// "tiny", "unet", "fcn", "erfnet"
const std::vector<std::string>& model_names();

/// The options with the model's own defaults filled in; what the model has no option for stays.
ModelOptions with_defaults(ModelOptions options);

/// Makes the model with those names; ValueError for an unknown one, which lists the names, and for an option it does
/// not have.
std::unique_ptr<SegmentationModel> make_model(const ModelOptions& options);

}  // namespace tessera
