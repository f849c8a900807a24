#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/train/first_reading.hpp>

#include "tests/support/cache_folder.hpp"
#include "tests/support/example_data.hpp"
#include "tests/support/file_bytes.hpp"

using namespace tessera;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t seed = 3;

FolderDataset part_of(const fs::path& folder) { return {folder, "train", {.classes = 2, .ignore_index = 9}}; }

}  // namespace

TEST_CASE("one reading of a part tells what passes of their own do") {
  const test::TemporaryFolder folder;
  test::write_example_data(folder.path(), 6);
  const FolderDataset part = part_of(folder.path());
  for (const std::int64_t measured : {256, 4, 1}) {
    const FirstReading reading = first_reading(part, true, seed, measured);
    const Standardization expected = measure_standardization(part, seed, measured);
    CHECK(reading.standardization.mean == expected.mean);
    CHECK(reading.standardization.deviation == expected.deviation);
    CHECK(measured_standardization(part, seed, measured).mean == expected.mean);
    CHECK(reading.pixels.pixels == count_class_pixels(part).pixels);
    CHECK(reading.pixels.in_company == count_class_pixels(part).in_company);
    CHECK(reading.unreadable.empty());
  }
  CHECK(first_reading(part, true, seed, 0).standardization.mean.empty());
}

TEST_CASE("what cannot be read is told and counts nowhere") {
  const test::TemporaryFolder folder;
  test::write_example_data(folder.path(), 3);
  fs::resize_file(folder / "train/images/image1.png", 40);
  const FolderDataset part = part_of(folder.path());
  const FirstReading reading = first_reading(part, false, seed, 256);
  REQUIRE(reading.unreadable.size() == 1);
  CHECK(reading.unreadable[0].index == 1);
  CHECK(reading.unreadable[0].reason.starts_with((folder / "train/images/image1.png").string() + ": "));
  CHECK(reading.pixels.in_company[0] == 33 * 40 - 4 + 35 * 40 - 4);
  CHECK(reading.standardization.mean == measure_standardization(part, seed).mean);
  CHECK_THROWS_AS(first_reading(part, true, seed, 256), IoError);
}

TEST_CASE("a reading is remembered until a file changes, an option does, or what was broken is whole again") {
  const test::CacheFolder folder;
  test::write_example_data(folder / "data", 500);
  const fs::path broken = folder / "data/train/images/image7.png";
  const std::string whole = test::file_bytes(broken);
  fs::resize_file(broken, 40);
  const auto read = [&] { return first_reading(part_of(folder / "data"), false, seed, 256); };
  const FirstReading first = read();
  REQUIRE(folder.kept() == 1);
  // That it is not read again shows in what is made up.
  std::string text = test::file_bytes(folder.file());
  const std::string pixels = std::to_string(first.pixels.pixels[1]);
  text.replace(text.rfind(pixels), pixels.size(), "12345");
  std::ofstream(folder.file()) << text;
  const FirstReading again = read();
  CHECK(again.pixels.pixels[1] == 12345);
  CHECK(again.unreadable == first.unreadable);
  CHECK(again.standardization.mean == first.standardization.mean);
  CHECK(again.standardization.deviation == first.standardization.deviation);

  CHECK(first_reading(part_of(folder / "data"), false, seed + 1, 256).pixels.pixels == first.pixels.pixels);
  CHECK_THROWS_AS(first_reading(part_of(folder / "data"), true, seed, 256), IoError);
  std::ofstream(broken, std::ios::binary) << whole;
  CHECK(read().unreadable.empty());
  write_png(folder / "data/val/masks/image3.png", Tensor::zeros({36, 40}, u8));
  CHECK(read().unreadable.empty());
  write_png(folder / "data/train/masks/image3.png", Tensor::full({36, 40}, 77, u8));
  CHECK_THROWS_WITH_AS(read(), doctest::Contains("masks/image3.png"), IoError);
}
