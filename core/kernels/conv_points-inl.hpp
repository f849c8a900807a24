// Included once per SIMD target: 1x1 convolution to few results, with vectors over pixels whose channels are put side
// by side in registers. Planes in memory, as larger kernels read them many times, would cost more than the products.
#if defined(TESSERA_CONV_POINTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_POINTS_INL
#undef TESSERA_CONV_POINTS_INL
#else
#define TESSERA_CONV_POINTS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/kernels/conv_planar-inl.hpp>
#include <tessera/core/kernels/conv_squares-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// What is multiplied with every pixel.
struct PointTask {
  int64_t sources, source_step, result_step;  ///< elements from one pixel to the next
  const float* weights;                       ///< [source][result]
  const float* bias;                          ///< a number for each result, or null
  bool rectify;
  float slope;
};

/// R results of V vectors of pixels from `sources`, of which those after the last whole four are `Rest`. Reads up to
/// three numbers after the last pixel's.
template <int R, int Rest, int V>
HWY_INLINE void multiply_points(const PointTask& task, const float* HWY_RESTRICT source, float* HWY_RESTRICT result) {
  const SquareTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<SquareTag>;
  Vec sums[V][R];
  TESSERA_UNROLL for (int r = 0; r < R; ++r) {
    const Vec bias = hn::Set(d, task.bias ? task.bias[r] : 0.0f);
    TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[v][r] = bias;
  }
  const float* HWY_RESTRICT weights = task.weights;
  const auto add = [&]<int C>(std::integral_constant<int, C>) HWY_ATTR {
    Vec planes[V][4];
    TESSERA_UNROLL for (int v = 0; v < V; ++v)
        load_square(d, source + v * lanes * task.source_step, task.source_step, planes[v]);
    TESSERA_UNROLL for (int c = 0; c < C; ++c) {
      TESSERA_UNROLL for (int r = 0; r < R; ++r) {
        const Vec w = hn::Set(d, weights[c * R + r]);
        TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[v][r] = hn::MulAdd(planes[v][c], w, sums[v][r]);
      }
    }
    source += C;
    weights += C * R;
  };
  for (int64_t fours = task.sources / 4; fours > 0; --fours) add(std::integral_constant<int, 4>());
  if constexpr (Rest > 0) add(std::integral_constant<int, Rest>());
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int v = 0; v < V; ++v) {
      TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[v][r] = rectified(sums[v][r], slope);
    }
  }
  TESSERA_UNROLL for (int v = 0; v < V; ++v)
      join_pixels<R>(d, sums[v], lanes, task.result_step, result + v * lanes * task.result_step);
}

/// `count` pixels. The last ones go through a copy, as vectors would read and write beyond them.
template <int R, int Rest>
HWY_NOINLINE void multiply_row(const PointTask& task, const float* source, float* result, int64_t count) {
  constexpr int most = R <= 2 ? 2 : 1;  // results and sources of a vector must fit the registers
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(SquareTag()));
  int64_t x = 0;
  for (; x + most * lanes < count; x += most * lanes)
    multiply_points<R, Rest, most>(task, source + x * task.source_step, result + x * task.result_step);
  PointTask last = task;
  last.source_step = task.sources;
  last.result_step = R;
  for (; x < count; x += lanes) {
    const int64_t pixels = std::min(lanes, count - x);
    float* const sources = scratch<float>(0, lanes * (task.sources + R) + 3);
    float* const results = sources + lanes * task.sources + 3;
    std::fill(sources, results, 0.0f);
    for (int64_t i = 0; i < pixels; ++i)
      std::copy_n(source + (x + i) * task.source_step, task.sources, sources + i * task.sources);
    multiply_points<R, Rest, 1>(last, sources, results);
    for (int64_t i = 0; i < pixels; ++i) std::copy_n(results + i * R, R, result + (x + i) * task.result_step);
  }
}

template <int R>
void multiply_pixels(const PointTask& task, const float* source, float* result, int64_t count) {
  static constexpr std::array rows{&multiply_row<R, 0>, &multiply_row<R, 1>, &multiply_row<R, 2>, &multiply_row<R, 3>};
  rows[static_cast<std::size_t>(task.sources % 4)](task, source, result, count);
}

/// Whether every result is summed from the one pixel in its own place.
inline bool is_pointwise(const ConvGeometry& g) {
  return g.kernel == Size2D(1) && g.stride == Size2D(1) && g.input == g.output;
}

/// A pointwise convolution, the batch's pixels one after another. weights [group][block of results][source][result].
inline void convolve_points(const ConvReading& reading, const float* kernel, const Epilogue<float>& epilogue,
                            WeightStore* store, const float* source, float* result) {
  static constexpr std::array rows{&multiply_pixels<1>, &multiply_pixels<2>, &multiply_pixels<3>, &multiply_pixels<4>};
  const ConvGeometry& g = reading.geometry;
  const int64_t sources = reading.sources(), results = reading.results(), group_size = sources * results;
  const std::vector<ConvPass> passes = reading.passes();
  const auto weights = kept_weights<float>(store, weight_key(4, reading.forward, g.groups, passes),
                                           g.groups * group_size, [&](float* to) {
                                             for (int64_t group = 0; group < g.groups; ++group)
                                               for_blocks(results, 4, [&](int64_t first, int64_t count) {
                                                 for (int64_t s = 0; s < sources; ++s)
                                                   for (int64_t r = first; r < first + count; ++r)
                                                     *to++ = reading.weight(kernel, passes.front(), 0, 0, group, s, r);
                                               });
                                           });
  parallel_ranges(g.batch * g.input.height * g.input.width, 2048, [&](int64_t begin, int64_t end) {
    for (int64_t group = 0; group < g.groups; ++group)
      for_blocks(results, 4, [&](int64_t first, int64_t count) {
        const int64_t channel = group * results + first;
        const PointTask task{sources,
                             reading.all_sources(),
                             reading.all_results(),
                             weights->data() + group * group_size + first * sources,
                             epilogue.bias ? epilogue.bias + channel : nullptr,
                             epilogue.rectify,
                             epilogue.slope};
        rows[static_cast<std::size_t>(count - 1)](task, source + begin * task.source_step + group * sources,
                                                  result + begin * task.result_step + channel, end - begin);
      });
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
