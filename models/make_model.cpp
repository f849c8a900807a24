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
  if (given) raise<ValueError>("model", "{} takes no {}", options.name, option);
}

std::unique_ptr<SegmentationModel> make_unet(const ModelOptions& options) {
  return std::make_unique<UNet>(UNetOptions{.in_channels = options.in_channels,
                                            .classes = options.classes,
                                            .base_width = options.width,
                                            .depth = options.depth,
                                            .normalization = options.normalization});
}

std::unique_ptr<SegmentationModel> make_fcn(const ModelOptions& options) {
  return std::make_unique<FCN>(
      FCNOptions{.in_channels = options.in_channels, .classes = options.classes, .width = options.width});
}

std::unique_ptr<SegmentationModel> build(const ModelOptions& options) {
  if (std::ranges::find(model_names(), options.name) == model_names().end())
    raise<ValueError>("model", "there is no model \"{}\"; there are {}", options.name, fmt::join(model_names(), ", "));
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

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names{"tiny", "unet", "fcn", "erfnet"};
  return names;
}

ModelOptions with_defaults(ModelOptions options) {
  if (options.name == "unet") {
    const UNetOptions unet;
    if (options.width == 0) options.width = unet.base_width;
    if (options.depth == 0) options.depth = unet.depth;
    if (options.normalization.empty()) options.normalization = unet.normalization;
  }
  if (options.name == "fcn" && options.width == 0) options.width = FCNOptions{}.width;
  return options;
}

std::unique_ptr<SegmentationModel> make_model(const ModelOptions& options) {
  std::unique_ptr<SegmentationModel> model;
  {
    const DrawLater later;
    model = build(with_defaults(options));
  }
  model->initialize(model->seed());
  return model;
}

}  // namespace tessera
