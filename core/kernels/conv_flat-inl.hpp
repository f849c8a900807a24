// Included once per SIMD target: a layout of sources for vectors that run along a row of results, over pixels and
// channels alike, so that no lane stays empty however few channels there are.
#if defined(TESSERA_CONV_FLAT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_CONV_FLAT_INL
#undef TESSERA_CONV_FLAT_INL
#else
#define TESSERA_CONV_FLAT_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <tessera/core/kernels/conv_band-inl.hpp>
#include <tessera/core/kernels/conv_squares-inl.hpp>
#include <tessera/core/kernels/conv_tile-inl.hpp>
#include <tessera/core/kernels/scratch.hpp>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

/// Results that a chunk of work makes: rows and columns of all passes.
struct FlatPatch {
  int64_t first_row, first_column, rows, columns;
};

/// Channels of a pixel as rows see them: every group has `sources` that its `results` are summed from.
struct FlatChannels {
  int64_t groups, sources, results;
  int64_t step;  ///< elements from one pixel's sources to the next one's

  int64_t width() const { return groups * results; }
  /// Numbers after which a row's vectors begin with the same channel again.
  template <class T>
  int64_t period() const {
    return std::lcm(width(), lane_count<T>());
  }
};

/// One pixel's sources, each as often as its group has results; `step` elements between source channels. Writes up to a
/// vector more than that.
template <class T>
HWY_INLINE void spread_pixel(const T* HWY_RESTRICT pixel, const FlatChannels& channels, int64_t step,
                             T* HWY_RESTRICT to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), results = channels.results;
  if (results == 1 && channels.sources == 1) return copy_pixel(pixel, channels.groups, to);
  for (int64_t group = 0; group < channels.groups; ++group, to += results)
    for (int64_t source = 0; source < channels.sources; ++source, ++pixel) {
      T* target = to + source * step;
      if (results == 1) {
        *target = *pixel;
        continue;
      }
      const auto value = hn::Set(d, *pixel);
      for (int64_t r = 0; r < results; r += lanes) hn::StoreU(value, d, target + r);
    }
}

/// Rows of sources laid out [row][source channel of a group][column phase][column][group and result]: where the numbers
/// of a result's pixel would stand there stands, for each, the source that it is multiplied from. Phase p of `stride`
/// holds columns p, p + stride, ..., so that results side by side find their sources side by side. In this thread's
/// scratch slot 0: what a patch of results reads of an image, zeros beyond its border.
template <class T>
class FlatBand {
 public:
  FlatBand(const T* image, Size2D size, const FlatChannels& channels, const JoinedPasses& joined,
           const FlatPatch& patch)
      : image_(image),
        size_(size),
        channels_(channels),
        first_row_(patch.first_row * joined.passes.front().rows.stride + joined.offset_y),
        first_column_(patch.first_column * joined.passes.front().columns.stride + joined.offset_x),
        stride_(joined.passes.front().columns.stride),
        columns_((patch.columns - 1) * stride_ + joined.reach_x),
        line_((divide_up(divide_up(columns_, stride_) * channels.width(), lane_count<T>()) + 1) * lane_count<T>()),
        row_(channels.sources * stride_ * line_),
        rows_((patch.rows - 1) * joined.passes.front().rows.stride + joined.reach_y),
        data_(scratch<T>(0, rows_ * row_)),
        row_phases_(static_cast<std::size_t>(joined.passes.front().rows.stride)) {
    std::vector<bool> column_phases(static_cast<std::size_t>(stride_));
    for (const auto& [rows, columns] : joined.passes) {
      mark(rows, joined.offset_y, row_phases_);
      mark(columns, joined.offset_x, column_phases);
    }
    const int64_t begin = std::clamp<int64_t>(-first_column_, 0, columns_);
    const int64_t end = std::clamp<int64_t>(size_.width - first_column_, begin, columns_);
    for (int64_t phase = 0; phase < stride_; ++phase) {
      const auto before = [&](int64_t column) { return divide_up(std::max<int64_t>(column - phase, 0), stride_); };
      if (column_phases[static_cast<std::size_t>(phase)])
        phases_.push_back({phase, before(begin), before(end), before(columns_)});
    }
  }

  /// The first `count` rows, or all where that is fewer: those that are not there yet are loaded. Each line of a row
  /// ends with a vector of slack, which holds anything, as do rows and phases that no tap reads.
  const T* load(int64_t count) {
    for (const int64_t end = std::min(count, rows_); loaded_ < end; ++loaded_) {
      if (row_phases_[row_phase_]) load_row(first_row_ + loaded_, data_ + loaded_ * row_);
      row_phase_ = row_phase_ + 1 < row_phases_.size() ? row_phase_ + 1 : 0;
    }
    return data_;
  }

  int64_t rows() const { return rows_; }
  /// Elements of a row.
  int64_t row_size() const { return row_; }

  /// Elements of a channel's row.
  int64_t source_size() const { return stride_ * line_; }

  /// Elements from a result's place to the first source that `row` rows and `column` columns after its first it is
  /// multiplied from.
  int64_t offset(int64_t row, int64_t column) const {
    return row * row_ + column % stride_ * line_ + column / stride_ * channels_.width();
  }

 private:
  /// Strides and dilations may have a common divisor, strides exceed a kernel: not every phase has a tap.
  static void mark(const TapAxis& axis, int64_t first, std::vector<bool>& phases) {
    for (int64_t tap = 0; tap < axis.taps; ++tap)
      phases[static_cast<std::size_t>(axis.offset - first + tap * axis.dilation) % phases.size()] = true;
  }

  void load_row(int64_t y, T* target) const {
    if (y < 0 || y >= size_.height) {
      std::fill(target, target + row_, T{0});
      return;
    }
    const int64_t width = channels_.width(), step = source_size(), pixel_step = stride_ * channels_.step;
    const T* const source = image_ + (y * size_.width + first_column_) * channels_.step;
    for (const ColumnPhase& phase : phases_) {
      const int64_t count = phase.end - phase.begin;
      const T* from = source + (phase.first + phase.begin * stride_) * channels_.step;
      T* const line = target + phase.first * line_;
      T* to = line + phase.begin * width;
      clear(line, phase.begin * width);
      if (stride_ == 1 && channels_.sources == 1 && channels_.step == width)
        std::copy(from, from + count * width, to);
      else if (width == 1)
        split_pixels(from, pixel_step, count, channels_.sources, to, step);
      else
        for (int64_t x = 0; x < count; ++x, from += pixel_step, to += width) spread_pixel(from, channels_, step, to);
      clear(line + phase.end * width, (phase.columns - phase.end) * width);
    }
  }

  /// Zeros in a phase's line of every source channel, up to a whole number of vectors: the slack of a line and what is
  /// loaded after them.
  HWY_INLINE void clear(T* line, int64_t count) const {
    const int64_t step = source_size();
    for (int64_t c = 0; c < channels_.sources; ++c) clear_vectors(line + c * step, count);
  }

  /// The columns of one phase: those from `begin` to `end` lie in the image.
  struct ColumnPhase {
    int64_t first, begin, end, columns;
  };

  const T* image_;
  Size2D size_;
  FlatChannels channels_;
  int64_t first_row_, first_column_, stride_, columns_;
  int64_t line_, row_;  ///< elements of one phase of a channel's row, and of a row of all
  int64_t rows_;
  T* data_;
  std::vector<bool> row_phases_;     ///< which of them have taps
  std::vector<ColumnPhase> phases_;  ///< those that have taps
  int64_t loaded_ = 0;
  std::size_t row_phase_ = 0;  ///< of the row that is loaded next
};

/// For every entry (tap and source channel) of a pass, the elements from a result's place to the source of that.
template <class T>
std::vector<int64_t> flat_offsets(const FlatBand<T>& band, const FlatChannels& channels, const JoinedPasses& joined,
                                  const ConvPass& pass) {
  const auto& [rows, columns] = pass;
  std::vector<int64_t> offsets;
  offsets.reserve(static_cast<std::size_t>(rows.taps * columns.taps * channels.sources));
  for (int64_t row = 0; row < rows.taps; ++row)
    for (int64_t column = 0; column < columns.taps; ++column) {
      const int64_t first = band.offset(rows.offset - joined.offset_y + row * rows.dilation,
                                        columns.offset - joined.offset_x + column * columns.dilation);
      for (int64_t source = 0; source < channels.sources; ++source)
        offsets.push_back(first + source * band.source_size());
    }
  return offsets;
}

/// The patches that an image's results are cut into: the rows that one row of results reads stay in half of the L1
/// cache, where that leaves 32 pixels to a row. Of up to 32 rows, fewer where that leaves no 8 patches to share out.
template <class T>
class FlatPatches {
 public:
  FlatPatches(const JoinedPasses& joined, const FlatChannels& channels, int64_t batch)
      : rows_(joined.rows), columns_(joined.columns) {
    if (rows_ == 0 || columns_ == 0) return;
    const int64_t column_bytes = std::max<int64_t>(joined.reach_y, 1) * joined.passes.front().columns.stride *
                                 channels.sources * channels.width() * static_cast<int64_t>(sizeof(T));
    const int64_t widest = std::max<int64_t>(int64_t{16} * 1024 / column_bytes, 32);
    // Multiples of 32 pixels hold whole vectors.
    width_ = columns_ <= widest ? columns_ : divide_up(divide_up(columns_, divide_up(columns_, widest)), 32) * 32;
    parts_ = divide_up(columns_, width_);
    bands_ = divide_up(rows_, std::clamp<int64_t>(divide_up(batch * rows_, 8), 2, 32));
    // Few patches are shared out evenly by two and four threads, too, where each still has eight rows of sources.
    const auto uneven = [&] { return batch * parts_ * bands_ % 4 != 0 && batch * parts_ * bands_ < 32; };
    const int64_t most_bands = std::min(rows_, rows_ * joined.passes.front().rows.stride / 8);
    while (uneven() && bands_ < most_bands) ++bands_;
  }

  /// Of an image.
  int64_t count() const { return bands_ * parts_; }
  FlatPatch operator[](int64_t i) const {
    const int64_t band = i / parts_, row = rows_ * band / bands_, column = i % parts_ * width_;
    return {row, column, rows_ * (band + 1) / bands_ - row, std::min(width_, columns_ - column)};
  }

 private:
  int64_t rows_, columns_;
  int64_t bands_ = 0, parts_ = 0;  ///< patches down and across
  int64_t width_ = 0;              ///< of all but the last patch across
};

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
