#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/group_norm.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {
namespace {

using Kind = Normalization::Kind;

std::shared_ptr<Layer> convolution_of(const Conv2DOptions& options) { return std::make_shared<Conv2D>(options); }
std::shared_ptr<Layer> convolution_of(const Conv2DTransposeOptions& options) {
  return std::make_shared<Conv2DTranspose>(options);
}

std::shared_ptr<Layer> normalization_of(const Normalization& normalization, std::int64_t channels) {
  if (normalization.kind == Kind::batch) return std::make_shared<BatchNorm2D>(BatchNorm2DOptions{.channels = channels});
  return std::make_shared<GroupNorm>(GroupNormOptions{.channels = channels, .groups = normalization.groups});
}

}  // namespace

ConvBlock::ConvBlock(ConvBlockOptions options) : options_(std::move(options)) {
  detail::require_positive("ConvBlock", "pool", "height and width of the pooling", options_.pool);
  std::visit(
      [this](auto convolution) {
        if (convolution.activation != activation::linear)
          raise<ValueError>("ConvBlock", ".convolution has the activation {}: give it as the block's own .activation",
                            name_of(convolution.activation));
        if (convolution.data_format != channels_last)
          raise<ValueError>("ConvBlock", ".convolution must be channels_last, as all that follows it");
        if (options_.normalization.kind == Kind::none) convolution.activation = options_.activation;
        conv_ = add("conv", convolution_of(convolution));
        if (options_.normalization.kind != Kind::none)
          norm_ = add("norm", normalization_of(options_.normalization, convolution.filters));
      },
      options_.convolution);
}

ConvBlock::Pooled ConvBlock::run(const Tensor& x) {
  Tensor y = (*conv_)(x);
  if (norm_) y = (*norm_)(y);
  if (norm_ && options_.activation != activation::linear) y = activate(y, options_.activation);
  return {options_.pool == Size2D(1) ? y : max_pool2d(y, {.pool_size = options_.pool}), y};
}

}  // namespace tessera
