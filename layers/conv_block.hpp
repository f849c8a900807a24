#pragma once

#include <tessera/layers/batch_norm2d.hpp>
#include <tessera/layers/conv2d.hpp>
#include <tessera/layers/conv2d_transpose.hpp>
#include <tessera/layers/group_norm.hpp>
#include <variant>

namespace tessera {

/// What a ConvBlock puts between its convolution and its activation.
struct Normalization {
  enum class Kind : std::uint8_t { none, batch, group };
  Kind kind = Kind::none;
  std::int64_t groups = 1;  ///< of group normalisation
  bool operator==(const Normalization&) const = default;
};

namespace normalization {
inline constexpr Normalization none{};
inline constexpr Normalization batch{Normalization::Kind::batch};
constexpr Normalization group(std::int64_t groups) { return {Normalization::Kind::group, groups}; }
}  // namespace normalization

struct ConvBlockOptions {
  std::variant<Conv2DOptions, Conv2DTransposeOptions> convolution = {};  ///< without an activation of its own; required
  Normalization normalization = normalization::batch;                    ///< normalization::none, batch or group(g)
  Activation activation = activation::relu;                              ///< after the normalisation
  Size2D pool = 1;  ///< max-pooling by this size and stride; 1: none
};

/// Convolution, normalisation, activation and pooling as one layer: pool(act(norm(conv(x)))).
///
/// [N, H, W, in_channels] -> [N, H' / pool, W' / pool, filters]. Children: conv, and norm where there is one, so that
/// paths are those of the separate layers. Batch normalisation, with linear, relu or leaky_relu and pooling by 2, runs
/// as one op, norm_block. ValueError for a convolution with an activation of its own.
class ConvBlock : public Layer {
 public:
  /// What comes out of the pooling and what went in: a skip connection takes the latter.
  struct Pooled {
    Tensor output;
    Tensor unpooled;
  };

  explicit ConvBlock(ConvBlockOptions options);
  Tensor forward(const Tensor& x) override { return run({x}, false).output; }
  /// Of one image or of several whose channels stand side by side, as of their concatenation. Lets go of those that
  /// were moved here as soon as they are convolved.
  Pooled with_unpooled(std::vector<Tensor> parts) {
    const ModuleCall call(*this);
    return run(std::move(parts), true);
  }

 private:
  Pooled run(std::vector<Tensor> parts, bool keep_unpooled);

  ConvBlockOptions options_;
  std::variant<std::shared_ptr<Conv2D>, std::shared_ptr<Conv2DTranspose>> conv_;
  std::shared_ptr<BatchNorm2D> batch_norm_;  ///< these two: at most one
  std::shared_ptr<GroupNorm> group_norm_;
};

}  // namespace tessera
