#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tessera/core/error.hpp>
#include <tessera/core/ops/arithmetic.hpp>
#include <tessera/core/ops/concat.hpp>
#include <tessera/train/tiling.hpp>

#include "tests/support/values.hpp"

using namespace tessera;

TEST_CASE("tiles of an axis cover it on the grid, overlap as asked, and their weights add up to one") {
  for (const std::int64_t length : {1, 33, 64, 65, 70, 100, 127, 128, 500, 1001})
    for (const double overlap : {0.0, 0.1, 0.25, 0.5, 0.75})
      for (const std::int64_t grid : {1, 4, 16}) {
        INFO("length ", length, ", overlap ", overlap, ", grid ", grid);
        const std::int64_t tile = 64;
        const std::vector<AxisTile> tiles = tile_axis(length, tile, overlap, grid);
        std::vector<double> sums(static_cast<std::size_t>(length));
        for (std::size_t i = 0; i < tiles.size(); ++i) {
          CHECK(tiles[i].begin % grid == 0);
          if (i > 0) {
            CHECK(tiles[i].begin > tiles[i - 1].begin);
            CHECK(static_cast<double>(tiles[i - 1].begin + tile - tiles[i].begin) >= overlap * tile);
          }
          for (std::int64_t x = 0; x < tile && tiles[i].begin + x < length; ++x)
            sums[static_cast<std::size_t>(tiles[i].begin + x)] += tiles[i].weights[static_cast<std::size_t>(x)];
        }
        CHECK(tiles.front().begin == 0);
        CHECK(tiles.back().begin + tile >= std::min(length, tile));
        CHECK(tiles.back().begin + tile < std::max(length, tile) + grid);
        CHECK(*std::min_element(sums.begin(), sums.end()) == doctest::Approx(1));
        CHECK(*std::max_element(sums.begin(), sums.end()) == doctest::Approx(1));
      }
}

TEST_CASE("every pixel has tiles that count there, however little of the overlap the grid allows") {
  for (const std::int64_t grid : {1, 2, 4, 8, 16, 32})
    for (std::int64_t tile = grid; tile <= 100; tile += tile < 40 ? 1 : 7)
      for (const double overlap : {0.0, 0.1, 0.25, 0.5, 0.6, 0.75})
        for (const std::int64_t length : {tile + 1, tile + grid, 2 * tile - 1, 3 * tile + 5, std::int64_t{331}}) {
          INFO("grid ", grid, ", tile ", tile, ", overlap ", overlap, ", length ", length);
          std::vector<double> sums(static_cast<std::size_t>(length));
          for (const AxisTile& part : tile_axis(length, tile, overlap, grid))
            for (std::int64_t x = 0; x < tile && part.begin + x < length; ++x)
              sums[static_cast<std::size_t>(part.begin + x)] += part.weights[static_cast<std::size_t>(x)];
          const bool whole = std::all_of(sums.begin(), sums.end(), [](double sum) { return std::abs(sum - 1) < 1e-5; });
          CHECK(whole);
        }
  CHECK_THROWS_WITH_AS(tile_axis(100, 8, 0.25, 16), "tiles: expected a tile of at least 16 pixels, got 8", ValueError);
}

TEST_CASE("a tile counts nothing in the outer quarter of an overlap, and most in its middle") {
  const std::vector<AxisTile> tiles = tile_axis(160, 64, 0.5, 1);
  REQUIRE(tiles.size() == 4);
  CHECK(tiles[1].begin == 32);
  CHECK(tiles[1].weights[7] == 0);
  CHECK(tiles[1].weights[8] > 0);
  CHECK(tiles[1].weights[56] == 0);
  CHECK(tiles[0].weights[0] == 1);  // no other tile is there
  CHECK(tiles[1].weights[32] > 0.99);
  CHECK(tiles[1].weights[16] == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("tiles of what is computed pixel by pixel give it back, for several images and channels") {
  const Tensor images = Tensor::arange(std::int64_t{2} * 21 * 34 * 3).reshape({2, 21, 34, 3});
  int calls = 0;
  const Tensor twice = tiled(images, {.tile = {8, 16}, .overlap = 0.25}, [&](const Tensor& part) {
    CHECK(part.shape() == Shape{2, 8, 16, 3});
    ++calls;
    return part + part;
  });
  CHECK(calls == 4 * 3);
  CHECK(test::difference(twice, images + images) < 1e-3);
  CHECK_THROWS_WITH_AS(tiled(images, {.tile = 8, .overlap = 0.8}, [](const Tensor& part) { return part; }),
                       "tiles: expected an overlap of 0 to 0.75 of a tile, got 0.8", ValueError);
}

TEST_CASE("rows come from top to bottom, each once, and no more at a time than a tile has") {
  const Tensor images = Tensor::arange(std::int64_t{2} * 50 * 9).reshape({2, 50, 9, 1});
  for (const double overlap : {0.0, 0.25, 0.5, 0.75}) {
    CAPTURE(overlap);
    std::int64_t next = 0, most = 0;
    tile_rows(
        images, {.tile = {12, 4}, .overlap = overlap}, [](const Tensor& part) { return part; },
        [&](std::int64_t first, const Tensor& rows) {
          CHECK(first == next);
          next += rows.size(1);
          most = std::max(most, rows.size(1));
          CHECK(test::difference(rows, slice(images, 1, first, next)) < 1e-3);
        });
    CHECK(next == 50);
    CHECK(most <= 12);
  }
}
