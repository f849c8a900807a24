#pragma once

#include <cstdint>
#include <tessera/core/tensor.hpp>

namespace tessera {

/// Which axis of an image batch holds the channels: [N, H, W, C], the library's own, or [N, C, H, W].
enum class DataFormat : std::uint8_t { channels_last, channels_first };

inline constexpr DataFormat channels_last = DataFormat::channels_last;
inline constexpr DataFormat channels_first = DataFormat::channels_first;

/// x of `format` as [N, H, W, C]; costs a copy for channels_first. ShapeError unless x has four axes.
Tensor to_channels_last(const Tensor& x, DataFormat format);

/// y [N, H, W, C] in `format`.
Tensor from_channels_last(const Tensor& y, DataFormat format);

}  // namespace tessera
