#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <tessera/data/image.hpp>
#include <tessera/train/mask_passes.hpp>
#include <tessera/train/remembered.hpp>
#include <thread>

#include "tests/support/cache_folder.hpp"

using namespace tessera;
using test::CacheFolder;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> text_files(const CacheFolder& folder, int count) {
  std::vector<fs::path> files;
  for (int i = 0; i < count; ++i) {
    files.push_back(folder / fmt::format("{}.txt", i));
    std::ofstream(files.back()) << i;
  }
  return files;
}

}  // namespace

TEST_CASE("what a thousand files answered is remembered until one of them changes") {
  const CacheFolder folder;
  const std::vector<fs::path> files = text_files(folder, 1000);
  int worked = 0;
  const auto ask = [&](const std::string& question) {
    return remembered(files, question, [&] { return fmt::format("answer\n{}", ++worked); });
  };
  CHECK(ask("how many") == "answer\n1");
  CHECK(ask("how many") == "answer\n1");
  CHECK(ask("how large") == "answer\n2");
  CHECK(ask("how many") == "answer\n1");
  fs::last_write_time(files[500], fs::last_write_time(files[500]) + std::chrono::hours(1));
  CHECK(ask("how many") == "answer\n3");
  std::ofstream(files[7]) << "longer than before";
  CHECK(ask("how many") == "answer\n4");

  // Other bytes, as many, of the same time: what a copy that keeps times makes of a file.
  const fs::file_time_type time = fs::last_write_time(files[3]);
  std::ofstream(files[3]) << 4;
  fs::last_write_time(files[3], time);
  CHECK(ask("how many") == "answer\n5");
  fs::last_write_time(files[8], fs::last_write_time(files[8]) - std::chrono::nanoseconds(1));
  CHECK(ask("how many") == "answer\n6");
  CHECK(ask("how many") == "answer\n6");
}

TEST_CASE("a few files are asked anew each time, and nothing is kept, unless that takes long") {
  const CacheFolder folder;
  const std::vector<fs::path> files = text_files(folder, 3);
  int worked = 0;
  for (int i = 0; i < 2; ++i) remembered(files, "how many", [&] { return fmt::format("{}", ++worked); });
  CHECK(worked == 2);
  CHECK(folder.kept() == 0);
  for (int i = 0; i < 2; ++i)
    remembered(files, "how slow", [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(501));
      return fmt::format("{}", ++worked);
    });
  CHECK(worked == 3);
  CHECK(folder.kept() == 1);
}

TEST_CASE("a cache that cannot be written does not keep anyone from the answer") {
  const CacheFolder folder;
  const std::vector<fs::path> files = text_files(folder, 1000);
  std::ofstream(folder / "cache") << "no folder";
  CHECK(remembered(files, "how many", [] { return std::string("three"); }) == "three");
}

TEST_CASE("the masks of a large folder are counted once, for the classes and for each kind of weights") {
  const CacheFolder folder;
  for (const char* part : {"images", "masks"}) fs::create_directories(folder / "train" / part);
  const Tensor mask = Tensor::from<std::int32_t>({0, 0, 0, 2}, {2, 2}).to(u8);
  for (int i = 0; i < 1000; ++i)
    for (const char* part : {"images", "masks"}) write_png(folder / "train" / part / fmt::format("{}.png", i), mask);
  for (int i = 0; i < 2; ++i) {
    const FolderDataset data(folder / "", "train", {.count_values = counted_mask_values});
    CHECK(data.labels().classes == 3);
    CHECK(counted_class_weights("inverse", data) == fmt::format("{},0,{}", 1 / (3 * 0.75), 1 / (3 * 0.25)));
    CHECK(counted_class_weights("1,2,3", data) == "1,2,3");
    CHECK(folder.kept() == 2);
  }
  const FolderDataset other(folder / "", "train", {.classes = 4});
  CHECK(counted_class_weights("inverse", other) !=
        counted_class_weights("inverse", FolderDataset(folder / "", "train")));
}
