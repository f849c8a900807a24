// The kernel's gradient by planes: vectors run over pixels of a channel, see conv_planar.cpp.
#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/core/kernels/conv_planar_weights.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <tessera/core/kernels/conv_patch_sums-inl.hpp>
#include <tessera/core/kernels/conv_planar-inl.hpp>
#include <tessera/core/kernels/conv_plans.hpp>
#include <tessera/core/kernels/dispatch.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// The pixels that one tile sums over.
struct PlanarSumTask {
  int64_t rows, source_row, gradient_row;  ///< rows of results, and elements from one to the next
  int64_t gradient_plane;                  ///< elements from one filter's gradients to the next one's
  int64_t columns;
};

/// sums[entry][filter][lane] += sources at the entry's offset times the filter's gradients: E entries, F filters.
template <int E, int F, class T>
HWY_NOINLINE void planar_sum_tile(const PlanarSumTask& task, const T* HWY_RESTRICT source, const int64_t* offsets,
                                  const T* HWY_RESTRICT gradient, T* HWY_RESTRICT sums, int64_t sums_step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using Vec = hn::Vec<decltype(d)>;
  Vec acc[E][F];
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int f = 0; f < F; ++f) acc[e][f] = hn::LoadU(d, sums + e * sums_step + f * lanes);
  }
  const auto add = [&](auto load, const T* HWY_RESTRICT from, const T* HWY_RESTRICT g) HWY_ATTR {
    Vec values[F];
    TESSERA_UNROLL for (int f = 0; f < F; ++f) values[f] = in_register(load(g + f * task.gradient_plane));
    TESSERA_UNROLL for (int e = 0; e < E; ++e) {
      const Vec x = in_register(load(from + offsets[e]));
      TESSERA_UNROLL for (int f = 0; f < F; ++f) acc[e][f] = hn::MulAdd(x, values[f], acc[e][f]);
    }
  };
  for (int64_t row = 0; row < task.rows; ++row) {
    const T* HWY_RESTRICT from = source + row * task.source_row;
    const T* HWY_RESTRICT g = gradient + row * task.gradient_row;
    int64_t x = 0;
    for (; x + lanes <= task.columns; x += lanes)
      add([&](const T* at) HWY_ATTR { return hn::LoadU(d, at); }, from + x, g + x);
    // Both by their first numbers: what stands behind them may be anything.
    const int64_t rest = task.columns - x;
    if (rest > 0) add([&](const T* at) HWY_ATTR { return load_first(d, rest, at); }, from + x, g + x);
  }
  TESSERA_UNROLL for (int e = 0; e < E; ++e) {
    TESSERA_UNROLL for (int f = 0; f < F; ++f) hn::StoreU(acc[e][f], d, sums + e * sums_step + f * lanes);
  }
}

template <class T>
using PlanarSumFunction = void (*)(const PlanarSumTask&, const T*, const int64_t*, const T*, T*, int64_t);

template <int F, class T, int... E>
constexpr std::array<PlanarSumFunction<T>, sizeof...(E)> planar_sum_table(std::integer_sequence<int, E...>) {
  return {&planar_sum_tile<E + 1, F, T>...};
}

/// All entries of F filters, cut evenly into tiles.
template <int F, class T>
void planar_sums(const PlanarSumTask& task, const T* source, const std::vector<int64_t>& offsets, const T* gradient,
                 T* sums, int64_t sums_step) {
  // A tile's gradients and a source need registers, too, and so do its entries' places.
  constexpr int most = std::min((max_tile_sums + 3 - F) / F, 9);
  static constexpr auto table = planar_sum_table<F, T>(std::make_integer_sequence<int, most>());
  const auto entries = static_cast<int64_t>(offsets.size());
  const int64_t tiles = divide_up(entries, most);
  for (int64_t tile = 0, entry = 0; tile < tiles; ++tile) {
    const int64_t mine = entries / tiles + (tile < entries % tiles);
    table[static_cast<std::size_t>(mine - 1)](task, source, offsets.data() + entry, gradient, sums + entry * sums_step,
                                              sums_step);
    entry += mine;
  }
}

template <class T>
class PlanarWeightGradient {
 public:
  explicit PlanarWeightGradient(const ConvGeometry& g)
      : geometry_(g),
        filters_(g.out_channels / g.groups),
        channels_{1, g.in_channels / g.groups, 1, g.in_channels},
        patches_(g, channels_),
        entries_(g.kernel.height * g.kernel.width * channels_.sources) {}

  void run(const T* input, const T* output, T* kernel_gradient) const {
    const int64_t group_size = entries_ * filters_ * lane_count<T>();
    const int64_t size = geometry_.groups * group_size;
    const Buffer<T> sums(patches_.chunks() * size);
    patches_.run(sums.data(), size, [&](int64_t image, const FlatPatch& patch, T* mine) {
      for (int64_t group = 0; group < geometry_.groups; ++group)
        add_patch(input, output, group, image, patch, mine + group * group_size);
    });
    add_up(sums.data(), kernel_gradient);
  }

 private:
  void add_patch(const T* input, const T* output, int64_t group, int64_t image, const FlatPatch& patch, T* sums) const {
    static constexpr std::array tiles{&planar_sums<1, T>, &planar_sums<2, T>, &planar_sums<3, T>, &planar_sums<4, T>};
    const Size2D &input_size = geometry_.input, &output_size = geometry_.output;
    const int64_t rows = patch.rows, columns = patch.columns;
    FlatBand<T> band(
        input + image * input_size.height * input_size.width * geometry_.in_channels + group * channels_.sources,
        input_size, channels_, patches_.joined(), patch);
    const std::vector<int64_t> offsets = flat_offsets(band, channels_, patches_.joined(), patches_.pass());
    T* const gradient = scratch<T>(1, rows * filters_ * columns);
    for (int64_t y = 0; y < rows; ++y)
      split_pixels(output +
                       ((image * output_size.height + patch.first_row + y) * output_size.width + patch.first_column) *
                           geometry_.out_channels +
                       group * filters_,
                   geometry_.out_channels, columns, filters_, gradient + y * filters_ * columns, columns);
    const PlanarSumTask task{rows, patches_.pass().rows.stride * band.row_size(), filters_ * columns, columns, columns};
    const int64_t lanes = lane_count<T>();
    for_blocks(filters_, max_tile_sums < 24 ? 3 : 4, [&](int64_t first, int64_t count) {
      tiles[static_cast<std::size_t>(count - 1)](task, band.load(band.rows()), offsets, gradient + first * columns,
                                                 sums + first * lanes, filters_ * lanes);
    });
  }

  /// Adds the chunks' sums and those of a vector's lanes, in order.
  void add_up(const T* sums, T* kernel_gradient) const {
    const hn::ScalableTag<T> d;
    const int64_t lanes = lane_count<T>(), count = geometry_.groups * entries_ * filters_;
    parallel_ranges(count, std::max<int64_t>(elementwise_grain / (lanes * patches_.chunks()), 1),
                    [&](int64_t begin, int64_t end) HWY_ATTR {
                      for (int64_t i = begin; i < end; ++i) {
                        const int64_t group = i / filters_ / entries_, entry = i / filters_ % entries_,
                                      filter = i % filters_;
                        auto total = hn::LoadU(d, sums + i * lanes);
                        for (int64_t chunk = 1; chunk < patches_.chunks(); ++chunk)
                          total = hn::Add(total, hn::LoadU(d, sums + (chunk * count + i) * lanes));
                        kernel_gradient[entry * geometry_.out_channels + group * filters_ + filter] =
                            hn::GetLane(hn::SumOfLanes(d, total));
                      }
                    });
  }

  ConvGeometry geometry_;
  int64_t filters_;        ///< of a group
  FlatChannels channels_;  ///< of a group's sources
  PatchSums<T> patches_;
  int64_t entries_;  ///< taps times source channels of a group
};

void planar_kernel_f32(const ConvGeometry& g, const float* input, const float* output, float* gradient) {
  PlanarWeightGradient<float>(g).run(input, output, gradient);
}
void planar_kernel_f64(const ConvGeometry& g, const double* input, const double* output, double* gradient) {
  PlanarWeightGradient<double>(g).run(input, output, gradient);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(planar_kernel_f32);
HWY_EXPORT(planar_kernel_f64);

void planar_backward_kernel(const ConvGeometry& g, const float* input, const float* output, float* kernel_gradient) {
  TESSERA_DISPATCH(planar_kernel_f32, has_short_rows(g.output))(g, input, output, kernel_gradient);
}
void planar_backward_kernel(const ConvGeometry& g, const double* input, const double* output, double* kernel_gradient) {
  TESSERA_DISPATCH(planar_kernel_f64, has_short_rows(g.output))(g, input, output, kernel_gradient);
}

}  // namespace tessera::kernels
#endif
