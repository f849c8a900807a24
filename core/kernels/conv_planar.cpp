// Planar convolution: forward, and backward to the input by phases, with vectors that run along rows of one channel's
// plane. For few result channels, which would leave vectors over channels half empty.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_planar.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_planar-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/conv_points-inl.hpp>
#include <tessera/core/kernels/conv_rows-inl.hpp>
#include <tessera/core/kernels/conv_squares-inl.hpp>
#include <tessera/core/kernels/dispatch.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Result channels of a tile: up to 6 that a group has, else blocks of up to 4, which leave room for more pixels.
inline int64_t planar_block(int64_t results) { return results <= 6 ? 6 : 4; }

/// What a tile of one row multiplies: for every entry (tap and source channel) the sources at its offset by a weight
/// for each of the tile's results.
template <class T>
struct PlanarTask {
  const int64_t* offsets;
  int64_t entries;
  const T* weights;  ///< [entry][result]
  const T* bias;     ///< a number for each result, or null
  bool rectify;
  T slope;
  int64_t step;  ///< elements from one pixel's results to the next one's
};

/// R results of V vectors of pixels, in registers from the bias to the store; `count` pixels are stored.
template <int R, int V, class T>
HWY_NOINLINE void planar_tile(const PlanarTask<T>& task, const T* HWY_RESTRICT source, T* HWY_RESTRICT result,
                              int64_t count) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  Vec sums[V][R];
  TESSERA_UNROLL for (int r = 0; r < R; ++r) {
    const Vec bias = hn::Set(d, task.bias ? task.bias[r] : T{0});
    TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[v][r] = bias;
  }
  const T* HWY_RESTRICT weights = task.weights;
  for (int64_t entry = 0; entry < task.entries; ++entry, weights += R) {
    const T* HWY_RESTRICT in = source + task.offsets[entry];
    if constexpr (R <= V) {  // what there is less of stays in registers
      Vec w[R];
      TESSERA_UNROLL for (int r = 0; r < R; ++r) w[r] = hn::Set(d, weights[r]);
      TESSERA_UNROLL for (int v = 0; v < V; ++v) {
        const Vec x = in_register(hn::LoadU(d, in + v * lanes));
        TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[v][r] = hn::MulAdd(x, w[r], sums[v][r]);
      }
    } else {
      Vec x[V];
      TESSERA_UNROLL for (int v = 0; v < V; ++v) x[v] = hn::LoadU(d, in + v * lanes);
      TESSERA_UNROLL for (int r = 0; r < R; ++r) {
        const Vec w = hn::Set(d, weights[r]);
        TESSERA_UNROLL for (int v = 0; v < V; ++v) sums[v][r] = hn::MulAdd(x[v], w, sums[v][r]);
      }
    }
  }
  if (task.rectify) {
    const Vec slope = hn::Set(d, task.slope);
    TESSERA_UNROLL for (int v = 0; v < V; ++v) {
      TESSERA_UNROLL for (int r = 0; r < R; ++r) sums[v][r] = rectified(sums[v][r], slope);
    }
  }
  TESSERA_UNROLL for (int v = 0; v < V; ++v)
      join_pixels<R>(d, sums[v], count - v * lanes, task.step, result + v * lanes * task.step);
}

template <class T>
using PlanarFunction = void (*)(const PlanarTask<T>&, const T*, T*, int64_t);

template <int R, class T, int... V>
constexpr std::array<PlanarFunction<T>, sizeof...(V)> planar_table(std::integer_sequence<int, V...>) {
  return {&planar_tile<R, V + 1, T>...};
}

/// `count` pixels of a row of results, cut evenly into tiles.
template <int R, class T>
void planar_row(const PlanarTask<T>& task, const T* source, T* result, int64_t count) {
  constexpr int most = max_tile_sums / R;
  static constexpr auto table = planar_table<R, T>(std::make_integer_sequence<int, most>());
  const int64_t lanes = lane_count<T>(), vectors = divide_up(count, lanes), tiles = divide_up(vectors, most);
  for (int64_t tile = 0, at = 0; tile < tiles; ++tile) {
    const int64_t mine = vectors / tiles + (tile < vectors % tiles);
    table[static_cast<std::size_t>(mine - 1)](task, source + at, result + at * task.step, count - at);
    at += mine * lanes;
  }
}

/// Rows whose vectors run over pixels, each group by itself.
template <class T>
class PlanarRows {
 public:
  static constexpr int plan = 3;

  static std::vector<ConvPass> passes(const ConvReading& reading) { return reading.passes(); }

  PlanarRows(const ConvReading& reading, const Epilogue<T>& epilogue)
      : reading_(reading), channels_{1, reading.sources(), 1, reading.all_sources()}, epilogue_(epilogue) {}

  int64_t units() const { return reading_.geometry.groups; }
  const FlatChannels& channels() const { return channels_; }
  int64_t packed(const ConvPass& pass) const { return units() * entries(pass) * reading_.results(); }

  /// [group][block of results][tap row][tap column][source channel][result of the block]
  void pack(const ConvPass& pass, const T* kernel, T* packed) const {
    for (int64_t group = 0; group < units(); ++group)
      for_blocks(reading_.results(), planar_block(reading_.results()), [&](int64_t first, int64_t count) {
        for (int64_t row = 0; row < pass.rows.taps; ++row)
          for (int64_t column = 0; column < pass.columns.taps; ++column)
            for (int64_t source = 0; source < reading_.sources(); ++source)
              for (int64_t result = first; result < first + count; ++result)
                *packed++ = reading_.weight(kernel, pass, row, column, group, source, result);
      });
  }

  void compute(int64_t group, const RowTask<T>& row) const {
    static constexpr std::array rows{&planar_row<1, T>, &planar_row<2, T>, &planar_row<3, T>,
                                     &planar_row<4, T>, &planar_row<5, T>, &planar_row<6, T>};
    const auto count = static_cast<int64_t>(row.offsets.size());
    const T* const weights = row.weights + group * count * reading_.results();
    for_blocks(reading_.results(), planar_block(reading_.results()), [&](int64_t first, int64_t results) {
      const PlanarTask<T> task{row.offsets.data(),
                               count,
                               weights + first * count,
                               epilogue_.bias ? epilogue_.bias + group * reading_.results() + first : nullptr,
                               epilogue_.rectify,
                               epilogue_.slope,
                               row.step};
      rows[static_cast<std::size_t>(results - 1)](task, row.source, row.result + first, row.count);
    });
  }

 private:
  int64_t entries(const ConvPass& pass) const { return pass.rows.taps * pass.columns.taps * reading_.sources(); }

  ConvReading reading_;
  FlatChannels channels_;
  Epilogue<T> epilogue_;
};

template <class T>
using PlanarConvolution = RowConvolution<T, PlanarRows<T>>;

void planar_forward_f32(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                        float* output, WeightStore* store) {
  if (is_pointwise(g)) return convolve_points({g, true}, kernel, e, store, input, output);
  PlanarConvolution<float>({g, true}, kernel, e, store).run(input, output);
}
void planar_forward_f64(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                        double* output, WeightStore* store) {
  PlanarConvolution<double>({g, true}, kernel, e, store).run(input, output);
}
void planar_backward_f32(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                         float* input, WeightStore* store) {
  if (is_pointwise(g)) return convolve_points({g, false}, kernel, e, store, output, input);
  PlanarConvolution<float>({g, false}, kernel, e, store).run(output, input);
}
void planar_backward_f64(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                         double* input, WeightStore* store) {
  PlanarConvolution<double>({g, false}, kernel, e, store).run(output, input);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(planar_forward_f32);
HWY_EXPORT(planar_forward_f64);
HWY_EXPORT(planar_backward_f32);
HWY_EXPORT(planar_backward_f64);

void planar_forward(const ConvGeometry& g, const float* input, const float* kernel, const Epilogue<float>& e,
                    float* output, WeightStore* store) {
  TESSERA_DISPATCH(planar_forward_f32, has_short_rows(g.output))(g, input, kernel, e, output, store);
}
void planar_forward(const ConvGeometry& g, const double* input, const double* kernel, const Epilogue<double>& e,
                    double* output, WeightStore* store) {
  TESSERA_DISPATCH(planar_forward_f64, has_short_rows(g.output))(g, input, kernel, e, output, store);
}
void planar_backward_input(const ConvGeometry& g, const float* output, const float* kernel, const Epilogue<float>& e,
                           float* input, WeightStore* store) {
  TESSERA_DISPATCH(planar_backward_f32, has_short_rows(g.input))(g, output, kernel, e, input, store);
}
void planar_backward_input(const ConvGeometry& g, const double* output, const double* kernel, const Epilogue<double>& e,
                           double* input, WeightStore* store) {
  TESSERA_DISPATCH(planar_backward_f64, has_short_rows(g.input))(g, output, kernel, e, input, store);
}

}  // namespace tessera::kernels
#endif
