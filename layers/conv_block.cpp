#include <tessera/core/ops/activation.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/core/ops/pool.hpp>
#include <tessera/layers/conv_block.hpp>
#include <tessera/layers/option_checks.hpp>

namespace tessera {
namespace {

using Kind = Normalization::Kind;

std::shared_ptr<Conv2D> convolution_of(const Conv2DOptions& options) { return std::make_shared<Conv2D>(options); }
std::shared_ptr<Conv2DTranspose> convolution_of(const Conv2DTransposeOptions& options) {
  return std::make_shared<Conv2DTranspose>(options);
}

}  // namespace

ConvBlock::ConvBlock(ConvBlockOptions options) : options_(std::move(options)) {
  detail::require_positive("ConvBlock", "pool", "height and width of the pooling", options_.pool);
  std::visit(
      [this](const auto& convolution) {
        if (convolution.activation != activation::linear)
          raise<ValueError>("ConvBlock", ".convolution has the activation {}: give it as the block's own .activation",
                            name_of(convolution.activation));
        if (convolution.data_format != channels_last)
          raise<ValueError>("ConvBlock", ".convolution must be channels_last, as all that follows it");
        conv_ = add("conv", convolution_of(convolution));
        const std::int64_t channels = convolution.filters;
        if (options_.normalization.kind == Kind::batch)
          batch_norm_ = add("norm", std::make_shared<BatchNorm2D>(BatchNorm2DOptions{.channels = channels}));
        if (options_.normalization.kind == Kind::group)
          group_norm_ = add("norm", std::make_shared<GroupNorm>(GroupNormOptions{
                                        .channels = channels, .groups = options_.normalization.groups}));
      },
      options_.convolution);
}

ConvBlock::Pooled ConvBlock::run(std::vector<Tensor> parts, bool keep_unpooled) {
  const bool normalizes = group_norm_ || (batch_norm_ && !batch_norm_->folded());
  const Activation epilogue = normalizes ? activation::linear : options_.activation;
  Tensor y;
  if (const auto* conv = std::get_if<std::shared_ptr<Conv2D>>(&conv_))
    y = (*conv)->with_activation(std::move(parts), epilogue);
  else
    y = std::get<std::shared_ptr<Conv2DTranspose>>(conv_)->with_activation(
        parts.size() == 1 ? parts[0] : concat(parts, -1), epilogue);
  parts.clear();
  const bool pools = options_.pool != Size2D(1);
  if (normalizes && batch_norm_ && fits_norm_block(options_.activation)) {
    const bool fuse_pool = options_.pool == Size2D(2);
    const NormBlockResult block = batch_norm_->with_block(
        std::move(y), {.activation = options_.activation, .pool = fuse_pool, .keep_unpooled = keep_unpooled});
    if (fuse_pool) return {block.output, block.unpooled};
    y = block.output;
  } else if (normalizes) {
    y = batch_norm_ ? (*batch_norm_)(y) : (*group_norm_)(y);
    if (options_.activation != activation::linear) y = activate(y, options_.activation);
  }
  return {pools ? max_pool2d(y, {.pool_size = options_.pool}) : y, y};
}

}  // namespace tessera
