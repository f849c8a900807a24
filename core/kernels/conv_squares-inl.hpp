// Included once per SIMD target: pixels of few channels to vectors over pixels and back.
#if defined(TESSERA_CONV_SQUARES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_SQUARES_INL
#undef TESSERA_CONV_SQUARES_INL
#else
#define TESSERA_CONV_SQUARES_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <tessera/core/kernels/simd.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::int64_t;

/// Pixels whose channels load_square puts side by side: as many as a vector holds, but no more than two blocks.
using SquareTag = hn::CappedTag<float, 8>;

#if HWY_TARGET != HWY_SCALAR
/// Swaps rows and columns of each block of 4 x 4.
HWY_INLINE void transpose_square(SquareTag d, hn::Vec<SquareTag> r0, hn::Vec<SquareTag> r1, hn::Vec<SquareTag> r2,
                                 hn::Vec<SquareTag> r3, hn::Vec<SquareTag> (&columns)[4]) {
  const hn::Repartition<std::uint64_t, SquareTag> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  columns[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  columns[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  columns[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  columns[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}
#endif

/// Four channels of a vector of pixels, `pixel_step` elements apart, each to a vector of its own; reads four numbers
/// from each pixel. Squares of four pixels and four channels, a vector's blocks side by side.
HWY_INLINE void load_square(SquareTag d, const float* HWY_RESTRICT from, int64_t pixel_step,
                            hn::Vec<SquareTag> (&planes)[4]) {
#if HWY_TARGET == HWY_SCALAR
  (void)pixel_step;
  for (int c = 0; c < 4; ++c) planes[c] = hn::LoadU(d, from + c);
#else
  const auto load = [&](int64_t pixel) HWY_ATTR {
    if constexpr (hn::MaxLanes(d) == 8) {
      const hn::Half<SquareTag> half;
      return hn::Combine(d, hn::LoadU(half, from + (pixel + 4) * pixel_step),
                         hn::LoadU(half, from + pixel * pixel_step));
    } else {
      return hn::LoadU(d, from + pixel * pixel_step);
    }
  };
  transpose_square(d, load(0), load(1), load(2), load(3), planes);
#endif
}

/// The channels of `count` pixels, `pixel_step` elements apart, each to a plane of its own: to[channel * plane +
/// pixel].
template <class T>
void split_pixels(const T* HWY_RESTRICT pixels, int64_t pixel_step, int64_t count, int64_t channels, T* HWY_RESTRICT to,
                  int64_t plane) {
  if (channels == 1 && pixel_step == 1) {
    std::copy(pixels, pixels + count, to);
    return;
  }
  int64_t x = 0;
  // The last squares of a pixel overlap those before. Where there are only two or three channels, what is read beyond
  // them belongs to the next pixel.
  if constexpr (sizeof(T) == sizeof(float)) {
    const SquareTag d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), end = channels < 4 ? count - 1 : count;
    if (channels > 1)
      while (x < end && end >= lanes) {
        x = std::min(x, end - lanes);
        for (int64_t c = 0; c < channels; c += 4) {
          const int64_t first = std::max<int64_t>(std::min(c, channels - 4), 0);
          hn::Vec<SquareTag> planes[4];
          load_square(d, pixels + x * pixel_step + first, pixel_step, planes);
          T* const target = to + first * plane + x;
          hn::StoreU(planes[0], d, target);
          hn::StoreU(planes[1], d, target + plane);
          if (channels == 2) continue;
          hn::StoreU(planes[2], d, target + 2 * plane);
          if (channels == 3) continue;
          hn::StoreU(planes[3], d, target + 3 * plane);
        }
        x += lanes;
      }
  }
  for (; x < count; ++x)
    for (int64_t c = 0; c < channels; ++c) to[c * plane + x] = pixels[x * pixel_step + c];
}

#if HWY_TARGET != HWY_SCALAR
/// The first R numbers of a block.
template <int R, class V>
HWY_INLINE void store_block(V block, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 4> d;
  const hn::CappedTag<float, 2> two;
  if constexpr (R == 4) return hn::StoreU(block, d, to);
  hn::StoreU(hn::LowerHalf(two, block), two, to);
  if constexpr (R == 3) to[2] = hn::GetLane(hn::UpperHalf(two, block));
}

/// R planes' vectors, two to four of them, as pixels of R channels, `step` elements apart.
template <int R, class D>
HWY_INLINE void store_square(D d, const hn::Vec<D> (&planes)[R], int64_t step, float* HWY_RESTRICT to) {
  if constexpr (hn::MaxLanes(d) > hn::MaxLanes(SquareTag())) {
    const hn::Half<D> half;
    hn::Vec<hn::Half<D>> part[R];
    for (int r = 0; r < R; ++r) part[r] = hn::LowerHalf(half, planes[r]);
    store_square<R>(half, part, step, to);
    for (int r = 0; r < R; ++r) part[r] = hn::UpperHalf(half, planes[r]);
    store_square<R>(half, part, step, to + static_cast<int64_t>(hn::Lanes(half)) * step);
  } else {
    hn::Vec<D> pixels[4];
    const auto zero = hn::Zero(d);
    transpose_square(d, planes[0], planes[1], R > 2 ? planes[R - 1 - (R > 3)] : zero, R > 3 ? planes[R - 1] : zero,
                     pixels);
    TESSERA_UNROLL for (int p = 0; p < 4; ++p) {
      if constexpr (hn::MaxLanes(d) == 8) {
        const hn::Half<D> half;
        store_block<R>(hn::LowerHalf(half, pixels[p]), to + p * step);
        store_block<R>(hn::UpperHalf(half, pixels[p]), to + (p + 4) * step);
      } else {
        store_block<R>(pixels[p], to + p * step);
      }
    }
  }
}
#endif

/// Stores R planes' vectors, up to eight, as `count` pixels of R channels, `step` elements apart.
template <int R, class D, class T = hn::TFromD<D>>
HWY_INLINE void join_pixels(D d, const hn::Vec<D> (&planes)[R], int64_t count, int64_t step, T* HWY_RESTRICT to) {
  if constexpr (R > 4) {
    constexpr int half = (R + 1) / 2;
    hn::Vec<D> first[half], second[R - half];
    for (int r = 0; r < half; ++r) first[r] = planes[r];
    for (int r = half; r < R; ++r) second[r - half] = planes[r];
    join_pixels<half>(d, first, count, step, to);
    join_pixels<R - half>(d, second, count, step, to + half);
  } else {
    const auto store = [&](T* target) HWY_ATTR {
      if constexpr (R == 1) hn::StoreU(planes[0], d, target);
      if constexpr (R == 2) hn::StoreInterleaved2(planes[0], planes[1], d, target);
      if constexpr (R == 3) hn::StoreInterleaved3(planes[0], planes[1], planes[2], d, target);
      if constexpr (R == 4) hn::StoreInterleaved4(planes[0], planes[1], planes[2], planes[3], d, target);
    };
    const int64_t pixels = std::min(count, static_cast<int64_t>(hn::Lanes(d)));
    if (pixels == static_cast<int64_t>(hn::Lanes(d))) {
      if (step == R) return store(to);
#if HWY_TARGET != HWY_SCALAR
      if constexpr (R > 1 && sizeof(T) == sizeof(float)) return store_square<R>(d, planes, step, to);
#endif
    }
    T values[R * HWY_MAX_BYTES / sizeof(T)];
    store(values);
    for (int64_t x = 0; x < pixels; ++x) std::copy_n(values + x * R, R, to + x * step);
  }
}

/// The reverse of split_pixels: `channels` planes, a whole number of vectors each, as `count` pixels side by side.
inline void join_planes(const float* HWY_RESTRICT planes, int64_t plane, int64_t channels, int64_t count,
                        float* HWY_RESTRICT to) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t done = 0;  // channels
#if HWY_TARGET != HWY_SCALAR
  const SquareTag square;
  if constexpr (hn::MaxLanes(square) == 8) {
    // Pixels of 5 to 7 channels are stored as if they had 8, from the first one to the last: what is too much is
    // overwritten by the next one. Of more channels the last eight overlap those before.
    const int64_t whole = channels >= 8 ? count : channels > 4 ? count - 8 : 0;
    int64_t x = 0;
    for (; x + 8 <= whole; x += 8)
      for (int64_t c = 0; c < channels; c += 8) {
        const int64_t first = std::max<int64_t>(std::min(c, channels - 8), 0);
        hn::Vec<SquareTag> low[4], high[4];
        const auto load = [&](int64_t i) HWY_ATTR {
          return hn::LoadU(square, planes + std::min(first + i, channels - 1) * plane + x);
        };
        transpose_square(square, load(0), load(1), load(2), load(3), low);
        transpose_square(square, load(4), load(5), load(6), load(7), high);
        float* const target = to + x * channels + first;
        TESSERA_UNROLL for (int i = 0; i < 4; ++i)
            hn::StoreU(hn::ConcatLowerLower(square, high[i], low[i]), square, target + i * channels);
        TESSERA_UNROLL for (int i = 0; i < 4; ++i)
            hn::StoreU(hn::ConcatUpperUpper(square, high[i], low[i]), square, target + (i + 4) * channels);
      }
    planes += x;
    to += x * channels;
    count -= x;
  }
#endif
  const auto join = [&]<int R>(std::integral_constant<int, R>) HWY_ATTR {
    for (int64_t x = 0; x < count; x += lanes) {
      hn::Vec<decltype(d)> values[R];
      for (int r = 0; r < R; ++r) values[r] = hn::LoadU(d, planes + (done + r) * plane + x);
      join_pixels<R>(d, values, count - x, channels, to + x * channels + done);
    }
    done += R;
  };
  while (channels - done >= 4) join(std::integral_constant<int, 4>());
  if (channels - done == 3) join(std::integral_constant<int, 3>());
  if (channels - done == 2) join(std::integral_constant<int, 2>());
  if (channels - done == 1) join(std::integral_constant<int, 1>());
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
