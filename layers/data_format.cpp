#include <tessera/core/error.hpp>
#include <tessera/core/ops/permute.hpp>
#include <tessera/layers/data_format.hpp>

namespace tessera {

Tensor to_channels_last(const Tensor& x, DataFormat format) {
  if (format == channels_last) return x;
  if (x.rank() != 4) raise<ShapeError>("channels_first", "expected an input [N, C, H, W], got {}", x.shape().str());
  return permute(x, {0, 2, 3, 1});
}

Tensor from_channels_last(const Tensor& y, DataFormat format) {
  return format == channels_last ? y : permute(y, {0, 3, 1, 2});
}

}  // namespace tessera
