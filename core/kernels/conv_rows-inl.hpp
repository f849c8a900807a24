// Included once per SIMD target: convolution by rows of a patch, whatever their vectors run over.
#if defined(TESSERA_CONV_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_ROWS_INL
#undef TESSERA_CONV_ROWS_INL
#else
#define TESSERA_CONV_ROWS_INL
#endif

#include <hwy/highway.h>

#include <tessera/core/kernels/conv_flat-inl.hpp>
#include <tessera/core/kernels/conv_pack-inl.hpp>
#include <tessera/core/parallel.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// One row of a patch's results in one pass.
template <class T>
struct RowTask {
  const std::vector<int64_t>& offsets;  ///< of every entry: a tap and a source channel
  const T* weights;
  const T* source;
  T* result;      ///< the first pixel's first channel
  int64_t count;  ///< pixels
  int64_t step;   ///< elements from one pixel to the next
  int64_t y, x;   ///< the first pixel's place among all results
};

/// Runs a convolution on `Rows`, which is made of a ConvReading and an Epilogue and gives: `plan`, `passes(reading)`,
/// `units` (parts of the channels that are computed by themselves), `channels` (of a unit), `packed(pass)` (how many
/// weights that are), `pack(pass, kernel, to)` and `compute(unit, RowTask)`.
template <class T, class Rows>
class RowConvolution {
 public:
  RowConvolution(const ConvReading& reading, const T* kernel, const Epilogue<T>& epilogue, WeightStore* store)
      : reading_(reading), rows_(reading, epilogue), joined_(join_passes(Rows::passes(reading))) {
    int64_t count = 0;
    for (const ConvPass& pass : joined_.passes) {
      weight_begin_.push_back(count);
      count += rows_.packed(pass);
    }
    const std::uint64_t key = weight_key(Rows::plan, reading.forward, reading.geometry.groups, joined_.passes);
    weights_ = kept_weights<T>(store, key, count, [&](T* target) {
      for (std::size_t p = 0; p < joined_.passes.size(); ++p)
        rows_.pack(joined_.passes[p], kernel, target + weight_begin_[p]);
    });
  }

  void run(const T* source, T* result) const {
    const ConvGeometry& g = reading_.geometry;
    const FlatPatches<T> patches(joined_, rows_.channels(), g.batch);
    const Size2D sources = reading_.source_size(), results = reading_.result_size();
    parallel_for(g.batch * patches.count() * rows_.units(), [&](int64_t item) {
      const int64_t unit = item % rows_.units(), patch = item / rows_.units() % patches.count();
      const int64_t image = item / rows_.units() / patches.count();
      compute(patches[patch], unit,
              source + image * sources.height * sources.width * reading_.all_sources() + unit * reading_.sources(),
              result + image * results.height * results.width * reading_.all_results() + unit * reading_.results());
    });
  }

 private:
  /// A patch's results of every pass, row by row, each once the sources that it reads are there: they are still in the
  /// first cache then.
  void compute(const FlatPatch& patch, int64_t unit, const T* source, T* result) const {
    FlatBand<T> band(source, reading_.source_size(), rows_.channels(), joined_, patch);
    std::vector<std::vector<int64_t>> offsets;
    for (const ConvPass& pass : joined_.passes) offsets.push_back(flat_offsets(band, rows_.channels(), joined_, pass));
    const int64_t pixel = reading_.all_results(), row_stride = joined_.passes.front().rows.stride;
    for (int64_t y = 0; y < patch.rows; ++y) {
      const T* const sources = band.load(y * row_stride + joined_.reach_y) + y * row_stride * band.row_size();
      for (std::size_t p = 0; p < joined_.passes.size(); ++p) {
        const auto& [rows, columns] = joined_.passes[p];
        const int64_t count = std::min(patch.columns, columns.count - patch.first_column);
        if (patch.first_row + y >= rows.count || count <= 0) continue;
        const int64_t row = rows.start + (patch.first_row + y) * rows.step;
        const int64_t column = columns.start + patch.first_column * columns.step;
        rows_.compute(unit, RowTask<T>{offsets[p], weights_->data() + weight_begin_[p], sources,
                                       result + (row * reading_.result_size().width + column) * pixel, count,
                                       columns.step * pixel, row, column});
      }
    }
  }

  ConvReading reading_;
  Rows rows_;
  JoinedPasses joined_;
  std::vector<int64_t> weight_begin_;
  std::shared_ptr<Buffer<T>> weights_;
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
