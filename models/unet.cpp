#include <numeric>
#include <tessera/models/unet.hpp>

namespace tessera {
namespace {

Normalization normalization_named(const std::string& name, std::int64_t channels) {
  if (name == "batch") return normalization::batch;
  if (name == "group") return normalization::group(std::gcd(std::int64_t{8}, channels));
  if (name == "none") return normalization::none;
  raise<ValueError>("UNet", ".normalization must be \"batch\", \"group\" or \"none\", got \"{}\"", name);
}

InputSizes sizes(const UNetOptions& options) {
  if (options.base_width < 1) raise<ValueError>("UNet", ".base_width must be 1 or more, got {}", options.base_width);
  if (options.depth < 1 || options.depth > 16)
    raise<ValueError>("UNet", ".depth must be from 1 to 16, got {}", options.depth);
  return {.multiple = 1, .smallest = std::int64_t{1} << options.depth};
}

}  // namespace

UNet::DoubleConv::DoubleConv(std::int64_t in_channels, std::int64_t filters, const std::string& normalization,
                             std::int64_t pool)
    : first_(add("first", conv_stage({.in_channels = in_channels,
                                      .filters = filters,
                                      .normalization = normalization_named(normalization, filters)}))),
      second_(add("second", conv_stage({.in_channels = filters,
                                        .filters = filters,
                                        .normalization = normalization_named(normalization, filters),
                                        .pool = pool}))) {}

ConvBlock::Pooled UNet::DoubleConv::with_unpooled(std::vector<Tensor> parts) {
  const ModuleCall call(*this);
  std::vector<Tensor> between{first_.with_unpooled(std::move(parts)).output};
  return second_.with_unpooled(std::move(between));
}

UNet::UNet(const UNetOptions& options)
    : SegmentationModel("UNet", options.in_channels, options.classes, sizes(options)),
      bottom_(add("bottom", DoubleConv(options.base_width << (options.depth - 1), options.base_width << options.depth,
                                       options.normalization))),
      head_(add("head", pixel_scores(options.base_width, options.classes))) {
  std::int64_t above = options.in_channels;
  for (std::int64_t level = 1; level <= options.depth; ++level) {
    const std::int64_t width = options.base_width << (level - 1);
    encoders_.push_back(add(fmt::format("encoder{}", level), DoubleConv(above, width, options.normalization, 2)));
    ups_.push_back(add(
        fmt::format("up{}", level),
        Conv2DTranspose({.in_channels = 2 * width, .filters = width, .kernel_size = 2, .strides = 2, .padding = 0})));
    decoders_.push_back(add(fmt::format("decoder{}", level), DoubleConv(2 * width, width, options.normalization)));
    above = width;
  }
}

Tensor UNet::forward(const Tensor& image) {
  check_input(image);
  std::vector<Tensor> skips;
  Tensor x = image;
  for (DoubleConv& encoder : encoders_) {
    const auto [output, unpooled] = encoder.with_unpooled({x});
    skips.push_back(unpooled);
    x = output;
  }
  x = bottom_.with_unpooled({x}).output;
  for (std::size_t level = skips.size(); level-- > 0;) {
    // Moved from hand to hand, so that inference lets go of each step's input as soon as the next has it.
    x = ups_[level](x, image_size(skips[level]));
    std::vector<Tensor> beside{std::move(skips[level])};
    beside.push_back(std::move(x));
    x = decoders_[level].with_unpooled(std::move(beside)).output;
  }
  return head_(x);
}

}  // namespace tessera
