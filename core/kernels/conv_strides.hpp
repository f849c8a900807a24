#pragma once

#include <algorithm>
#include <array>
#include <tessera/core/kernels/conv_passes.hpp>
#include <vector>

namespace tessera::kernels {

/// Whether a convolution goes back through a stride, whose phases have taps of their own.
inline bool reads_phases(const ConvReading& reading) {
  return !reading.forward && reading.geometry.stride != Size2D(1);
}

/// The sources that the taps of a stride's pixels begin at, from the first of them on.
struct PixelStarts {
  static constexpr std::int64_t most = 4;

  std::int64_t pixels = 1;
  std::array<std::int64_t, most> source{};

  std::int64_t spread() const { return *std::max_element(source.begin(), source.end()); }
};

/// What a row of results back through a stride reads: a stride's pixels come again and again, each with its own taps.
struct StrideColumns {
  std::vector<TapAxis> pixels;  ///< of each of them, in their order
  TapAxis all;                  ///< of all: the most taps of any; its results are a stride's pixels each
  PixelStarts starts;

  /// Of a stride of at most PixelStarts::most.
  explicit StrideColumns(const ConvGeometry& geometry);
  /// Sources that so many strides' pixels read.
  std::int64_t source_span(std::int64_t strides) const { return all.source_span(strides) + starts.spread(); }
};

/// Tap rows and strides that there are register tiles for.
struct StrideTile {
  int taps, stride;
};
inline constexpr std::array<StrideTile, 19> stride_tiles{{{1, 1},
                                                          {2, 1},
                                                          {3, 1},
                                                          {5, 1},
                                                          {1, 2},
                                                          {2, 2},
                                                          {3, 2},
                                                          {4, 2},
                                                          {5, 2},
                                                          {6, 2},
                                                          {1, 3},
                                                          {2, 3},
                                                          {3, 3},
                                                          {5, 3},
                                                          {6, 3},
                                                          {1, 4},
                                                          {3, 4},
                                                          {4, 4},
                                                          {8, 4}}};
/// Which of them that is; less than 0 where there is none.
std::int64_t stride_tile_index(std::int64_t taps, std::int64_t stride);

/// Rows of results back through a stride, those of them that share rows of sources: `between` apart. From a first one
/// on, result row u of them is summed from the rows of sources j, `source_between` apart, whose tap u - j * stride is.
struct StrideRows {
  std::int64_t between, source_between, stride, taps;
  std::int64_t conv_stride, pad;

  explicit StrideRows(const ConvGeometry& geometry);
  /// Whether there is code for them, and for the columns.
  static bool has_tiles(const ConvGeometry& geometry);

  /// Tiles have as many rows as some of these.
  static constexpr std::int64_t rows_step(std::int64_t stride) { return stride == 1 ? 4 : stride; }

  /// A tile's rows, the first of which is a row of sources' first tap.
  struct Tile {
    std::int64_t skipped;       ///< of its rows, before the first that is asked for
    std::int64_t rows;          ///< of results, whole steps of them
    std::int64_t first_source;  ///< of the rows of sources that are read
    std::int64_t sources;       ///< how many are read; none where no tap reaches these rows
  };
  /// Of `count` rows of results from one on.
  Tile tile(std::int64_t row, std::int64_t count) const;
};

}  // namespace tessera::kernels
