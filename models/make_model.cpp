#include <fmt/ranges.h>

#include <algorithm>
#include <tessera/core/error.hpp>
#include <tessera/models/erfnet.hpp>
#include <tessera/models/fcn.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/models/tiny_segnet.hpp>
#include <tessera/models/unet.hpp>

namespace tessera {
namespace {

void refuse(const ModelOptions& options, std::string_view option, bool given) {
  if (given) raise<ValueError>("make_model", "\"{}\" has no option \"{}\"", options.name, option);
}

std::unique_ptr<SegmentationModel> make_unet(const ModelOptions& options) {
  UNetOptions unet{.in_channels = options.in_channels, .classes = options.classes};
  if (options.width != 0) unet.base_width = options.width;
  if (options.depth != 0) unet.depth = options.depth;
  if (!options.normalization.empty()) unet.normalization = options.normalization;
  return std::make_unique<UNet>(unet);
}

std::unique_ptr<SegmentationModel> make_fcn(const ModelOptions& options) {
  FCNOptions fcn{.in_channels = options.in_channels, .classes = options.classes};
  if (options.width != 0) fcn.width = options.width;
  return std::make_unique<FCN>(fcn);
}

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names{"tiny", "unet", "fcn", "erfnet"};
  return names;
}

std::unique_ptr<SegmentationModel> make_model(const ModelOptions& options) {
  if (std::ranges::find(model_names(), options.name) == model_names().end())
    raise<ValueError>("make_model", "there is no model \"{}\"; there are {}", options.name,
                      fmt::join(model_names(), ", "));
  if (options.name == "unet") return make_unet(options);
  refuse(options, "depth", options.depth != 0);
  refuse(options, "normalization", !options.normalization.empty());
  if (options.name == "fcn") return make_fcn(options);
  refuse(options, "width", options.width != 0);
  if (options.name == "tiny")
    return std::make_unique<TinySegNet>(
        TinySegNetOptions{.in_channels = options.in_channels, .classes = options.classes});
  return std::make_unique<ERFNet>(ERFNetOptions{.in_channels = options.in_channels, .classes = options.classes});
}

}  // namespace tessera
