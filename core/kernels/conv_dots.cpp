// Convolution by dot products: vectors run over what a result is summed from, taps and source channels side by side,
// and are added up at the end. For few results of many sources, which need no rearranging then. In f32.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_dots.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <numeric>
#include <tessera/core/kernels/conv_bands-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/kernels/lane_sums-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

using DotVec = hn::Vec<SumTag>;

/// Results of a tile at most, and the numbers after which the bias of one to four results a pixel repeats.
constexpr int most_dot_results = 4;
constexpr int64_t dot_bias_period = 12;

/// R results of P pixels.
template <int R, int P>
HWY_NOINLINE void dot_tile(const TileTask<float>& task, const float* HWY_RESTRICT source, float* HWY_RESTRICT result) {
  const SumTag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), pixel_step = task.pixel_step;
  constexpr int quads = (P * R + quad - 1) / quad;
  DotVec sums[quads * quad];
  TESSERA_UNROLL for (int q = 0; q < quads; ++q) {
    TESSERA_UNROLL for (int i = 0; i < quad; ++i) sums[q * quad + i] = hn::Zero(d);
  }
  const float* HWY_RESTRICT weights = task.weights;
  const auto add = [&](const float* HWY_RESTRICT in, auto load) HWY_ATTR {
    if constexpr (R <= P) {  // what there is less of stays in registers
      DotVec w[R];
      TESSERA_UNROLL for (int r = 0; r < R; ++r) w[r] = hn::LoadU(d, weights + r * lanes);
      TESSERA_UNROLL for (int p = 0; p < P; ++p) {
        const DotVec x = in_register(load(in + p * pixel_step));
        TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[p * R + r] = hn::MulAdd(x, w[r], sums[p * R + r]);
      }
    } else {
      DotVec x[P];
      TESSERA_UNROLL for (int p = 0; p < P; ++p) x[p] = load(in + p * pixel_step);
      TESSERA_UNROLL for (int r = 0; r < R; ++r) {
        const DotVec w = hn::LoadU(d, weights + r * lanes);
        TESSERA_UNROLL for (int p = 0; p < P; ++p) sums[p * R + r] = hn::MulAdd(x[p], w, sums[p * R + r]);
      }
    }
    weights += R * lanes;
  };
  const int64_t rest = task.run_length % lanes, whole = task.run_length - rest;
  for (int64_t row = 0; row < task.rows; ++row)
    for (int64_t run = 0; run < task.runs; ++run) {
      const float* HWY_RESTRICT in = source + row * task.row_step + run * task.run_step;
      for (int64_t i = 0; i < whole; i += lanes)
        add(in + i, [&](const float* at) HWY_ATTR { return hn::LoadU(d, at); });
      // What stands behind a run may be anything.
      if (rest > 0) add(in + whole, [&](const float* at) HWY_ATTR { return load_first(d, rest, at); });
    }
  const QuadTag few;
  const auto slope = hn::Set(few, task.slope);
  const bool joined = task.result_step == R;
  float values[quads * quad];
  TESSERA_UNROLL for (int q = 0; q < quads; ++q) {
    const int i = q * quad;
    auto sum = hn::Add(add_lanes(sums + i), hn::LoadU(few, task.bias + i % dot_bias_period));
    if (task.rectify) sum = rectified(sum, slope);
    hn::StoreU(sum, few, joined && i + quad <= P * R ? result + i : values + i);
  }
  constexpr int stored = P * R / quad * quad;
  if (joined)
    std::copy(values + stored, values + P * R, result + stored);
  else
    for (int p = 0; p < P; ++p) std::copy_n(values + p * R, R, result + p * task.result_step);
}

using DotFunction = void (*)(const TileTask<float>&, const float*, float*);

template <int R, int... P>
constexpr std::array<DotFunction, sizeof...(P)> dot_table(std::integer_sequence<int, P...>) {
  return {&dot_tile<R, P + 1>...};
}

/// A row of results: tiles of whole quads, and a smaller one at its end.
template <int R>
void dot_row(const TileTask<float>& task, const float* source, float* result, int64_t count) {
  constexpr int most = std::min(max_tile_sums / R, 16);
  static constexpr auto table = dot_table<R>(std::make_integer_sequence<int, most>());
  constexpr int64_t step = quad / std::gcd(quad, R);  // pixels that fill quads
  const int64_t even = divide_up(count, divide_up(count, most)),
                tile = std::min<int64_t>(divide_up(even, step) * step, most);
  for (int64_t pixels = 0; count > 0; count -= pixels) {
    pixels = std::min(tile, count);
    table[static_cast<std::size_t>(pixels - 1)](task, source, result);
    source += pixels * task.pixel_step;
    result += pixels * task.result_step;
  }
}

/// Tiles whose vectors run over sources.
struct SourceTiles {
  static constexpr int plan = 5;

  static int64_t block() { return most_dot_results; }
  static int64_t vectors(const TapRuns& runs) { return divide_up(runs.length, lane_count<float>()); }
  static int64_t packed(const ConvPass& pass, const ConvReading& reading) {
    const TapRuns runs(pass.columns, reading.sources());
    return pass.rows.taps * runs.count * vectors(runs) * lane_count<float>() *
           std::min<int64_t>(block(), reading.results());
  }

  /// to [tap row][run][vector][result][lane], zeros behind a run.
  static void pack(const ConvReading& reading, const ConvPass& pass, const float* kernel, int64_t group,
                   int64_t block_index, float* to) {
    const int64_t sources = reading.sources(), first = block_index * block(), lanes = lane_count<float>();
    const int64_t results = std::min(block(), reading.results() - first);
    const TapRuns runs(pass.columns, sources);
    for (int64_t row = 0; row < pass.rows.taps; ++row)
      for (int64_t run = 0; run < runs.count; ++run)
        for (int64_t begin = 0; begin < runs.length; begin += lanes)
          for (int64_t result = first; result < first + results; ++result)
            for (int64_t at = begin; at < begin + lanes; ++at)
              *to++ = at < runs.length
                          ? reading.weight(kernel, pass, row, run + at / sources, group, at % sources, result)
                          : 0.0f;
  }

  static int64_t bias_size() { return dot_bias_period; }
  static void pack_bias(const float* bias, int64_t results, float* to) {
    for (int64_t i = 0; i < dot_bias_period; ++i) to[i] = bias[i % results];
  }

  static void row(const TileTask<float>& task, const float* source, float* result, int64_t count) {
    static constexpr std::array rows{&dot_row<1>, &dot_row<2>, &dot_row<3>, &dot_row<4>};
    rows[static_cast<std::size_t>(task.channels - 1)](task, source, result, count);
  }
};

void dots_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                      float* output, WeightStore* store) {
  BandConvolution<float, SourceTiles>({g, true}, kernel, e, store).run(input, output);
}
void dots_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                       float* input, WeightStore* store) {
  BandConvolution<float, SourceTiles>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

namespace {

/// Whether the last vector of a run would fill no more than half of 64 bytes.
bool ends_early(const ConvReading& reading) {
  const std::int64_t rest = tap_runs(reading).length % 16;
  return rest > 0 && is_narrow<float>(rest);
}

}  // namespace

HWY_EXPORT(dots_forward_f32);
HWY_EXPORT(dots_backward_f32);

void dots_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                  float* output, WeightStore* store) {
  TESSERA_DISPATCH(dots_forward_f32, ends_early({g, true}))(g, input, kernel, e, output, store);
}
void dots_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input, WeightStore* store) {
  TESSERA_DISPATCH(dots_backward_f32, ends_early({g, false}))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
