#include <doctest/doctest.h>

#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/data/image.hpp>
#include <tessera/data/mask_encoding.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/temporary_folder.hpp"

namespace tessera {
namespace {

std::vector<std::int32_t> labels_of(const Tensor& mask) {
  const auto labels = mask.span<std::int32_t>();
  return {labels.begin(), labels.end()};
}

const Rgb black = {0, 0, 0}, road = {128, 64, 128}, sky = {70, 130, 180};

TEST_CASE("a colour map lists classes with their colours, before or after the name") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "a.txt") << "# CamVid's order\nroad 128 64 128\n\n0 0 0 Void\nblue sky 70 130 180 # up\n";
  const ColorMap map = read_color_map(folder / "a.txt");
  CHECK(map.names == std::vector<std::string>{"road", "blue sky"});
  CHECK(map.encoding.colors == std::map<Rgb, std::int32_t>{{road, 0}, {black, no_label}, {sky, 1}});
  CHECK(classes_of(map.encoding) == 2);
}

TEST_CASE("a colour map that makes no sense is refused with its line") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  const auto refusal = [&](const std::string& text) {
    std::ofstream(path) << text;
    return test::message_of<IoError>([&] { read_color_map(path); });
  };
  CHECK(refusal("road 128 64\n") ==
        path + ":1: expected \"name R G B\" with numbers from 0 to 255, got \"road 128 64\"");
  CHECK(refusal("road 128 64 256\n").find(":1: expected") != std::string::npos);
  CHECK(refusal("a 1 1 1\nb 1 1 1\n") == path + ":2: the colour 1 1 1 stands there twice");
  CHECK(refusal("a 1 1 1\n") == path + ": expected two classes or more, got 1");
}

TEST_CASE("RGB and palette masks are read by their colours, grey ones by their values") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  const MaskEncoding encoding{.values = {}, .colors = {{road, 0}, {black, no_label}, {sky, 1}}};
  write_png(path, Tensor::from<std::uint8_t>({128, 64, 128, 0, 0, 0, 70, 130, 180}, {1, 3, 3}));
  CHECK(labels_of(read_mask(path, encoding)) == std::vector<std::int32_t>{0, no_label, 1});
  write_png(path, Tensor::from<std::uint8_t>({1, 1, 0}, {1, 3}), {sky, road});
  CHECK(labels_of(read_mask(path, encoding)) == std::vector<std::int32_t>{0, 0, 1});
  write_png(path, Tensor::from<std::uint8_t>({1, 0, 1}, {1, 3}));
  CHECK(labels_of(read_mask(path, encoding)) == std::vector<std::int32_t>{1, 0, 1});

  write_png(path, Tensor::from<std::uint8_t>({128, 64, 128, 70, 130, 181}, {2, 1, 3}));
  CHECK(test::message_of<IoError>([&] { read_mask(path, encoding); }) ==
        path.string() +
            ": row 1, column 0: the colour 70 130 181 is none of the colour map's; the nearest there is 70 130 180");
}

TEST_CASE("values may stand for classes in any order") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.png";
  write_png(path, Tensor::from<std::uint8_t>({0, 255, 255, 7}, {2, 2}));
  CHECK(labels_of(read_mask(path, encoding_of({0, 255}, 7))) == std::vector<std::int32_t>{0, 1, 1, no_label});
  CHECK(labels_of(read_mask(path, encoding_of({255, 7}, 0))) == std::vector<std::int32_t>{no_label, 0, 0, 1});
  CHECK(labels_of(read_mask(path, {})) == std::vector<std::int32_t>{0, 255, 255, 7});
  CHECK(test::message_of<IoError>([&] {
          read_mask(path, encoding_of({0, 255}, no_label));
        }) == path.string() +
                  ": row 1, column 1: the value 7 is none of the mask values 0, 255; --mask-values says which ones "
                  "stand for classes");
  CHECK_THROWS_WITH_AS(encoding_of({0, 0}, no_label), "mask values: 0 stands there twice", ValueError);
  CHECK_THROWS_WITH_AS(encoding_of({0, 255}, 255), "mask values: 255 is a class and ignored, too", ValueError);
}

TEST_CASE("mask values are parsed from a text") {
  CHECK(parse_mask_values("0,255") == std::vector<std::int32_t>{0, 255});
  for (const char* text : {"", "3", "0,x", "0,-1", "0,70000", "0, 1"})
    CHECK_THROWS_AS(parse_mask_values(text), ValueError);
}

TEST_CASE("a folder of 0/255 masks has two classes, with or without being told") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "train/images");
  std::filesystem::create_directories(folder / "train/masks");
  write_png(folder / "train/images/a.png", Tensor::zeros({2, 2, 3}, u8));
  write_png(folder / "train/masks/a.png", Tensor::from<std::uint8_t>({0, 255, 255, 0}, {2, 2}));
  const FolderDataset found(folder.path(), "train");
  CHECK(found.labels().classes == 2);
  CHECK(labels_of(found.get(0).mask) == std::vector<std::int32_t>{0, 1, 1, 0});
  const FolderDataset told(folder.path(), "train", {.encoding = encoding_of({255, 0}, no_label)});
  CHECK(told.labels().classes == 2);
  CHECK(labels_of(told.mask(0)) == std::vector<std::int32_t>{1, 0, 0, 1});
}

}  // namespace
}  // namespace tessera
