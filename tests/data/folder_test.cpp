#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/data/folder.hpp>
#include <tessera/data/image.hpp>
#include <tests/support/temporary_folder.hpp>

namespace tessera {
namespace {

/// A data folder with one grey 2 x 3 training image and its mask.
class DataFolder {
 public:
  DataFolder() {
    for (const char* part : {"train/images", "train/masks", "val/images", "val/masks"})
      std::filesystem::create_directories(folder_ / part);
    image("a", Tensor::from<std::uint8_t>({0, 51, 102, 153, 204, 255}, {2, 3}));
    mask("a", {0, 1, 2, 0, 1, 2});
  }
  void image(const std::string& stem, const Tensor& pixels) {
    write_png(folder_ / ("train/images/" + stem + ".png"), pixels);
  }
  void mask(const std::string& stem, const std::vector<std::uint8_t>& values, const Shape& shape = {2, 3}) {
    write_png(folder_ / ("train/masks/" + stem + ".png"), Tensor::from(values, shape));
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// The message that opening the training part and reading all of it ends in.
  std::string refusal(FolderOptions options = {}) const {
    try {
      const FolderDataset data(path(), "train", std::move(options));
      for (std::int64_t i = 0; i < data.size(); ++i) data.get(i);
    } catch (const IoError& error) {
      return error.what();
    }
    return "accepted";
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_CASE("a folder gives images from 0 to 1 with their masks, sorted by stem, and finds classes and channels") {
  DataFolder folder;
  folder.image("B", Tensor::from<std::uint8_t>({10, 20, 30}, {1, 3}));
  folder.mask("B", {1, 1, 3}, {1, 3});
  std::ofstream(folder.at("train/images/notes.txt")) << "not an image";
  std::ofstream(folder.at("train/images/.hidden.png")) << "not an image";
  const FolderDataset data(folder.path(), "train");
  CHECK(data.size() == 2);
  CHECK(data.channels() == 1);
  CHECK(data.labels().classes == 4);
  CHECK(data.get(0).name == "B");
  const Sample a = data.get(1);
  CHECK(a.name == "a");
  CHECK(a.image.shape() == Shape{2, 3, 1});
  CHECK(a.image.at({0, 1, 0}) == doctest::Approx(0.2));
  CHECK(a.image.at({1, 2, 0}) == 1);
  CHECK(a.mask.shape() == Shape{2, 3});
  CHECK(a.mask.at({1, 1}) == 1);
}

TEST_CASE("the number of channels can be asked for, and images follow where nothing is lost") {
  DataFolder folder;
  const FolderDataset data(folder.path(), "train", {.channels = 3});
  CHECK(data.get(0).image.shape() == Shape{2, 3, 3});
  folder.image("b", Tensor::from<std::uint8_t>({1, 2, 3}, {1, 1, 3}));
  folder.mask("b", {0}, {1, 1});
  CHECK(folder.refusal({.channels = 1}) ==
        folder.at("train/images/b.png") + ": expected 1 channel, got 3 that are not grey: save it in grey");
}

TEST_CASE("a folder has the channels of colour where one image is in colour, and alpha where the first has it") {
  DataFolder folder;
  const auto add = [&](const std::string& stem, const Tensor& pixels) {
    folder.image(stem, pixels);
    folder.mask(stem, {1}, {1, 1});
  };
  std::ofstream(folder.at("train/images/0.png")) << "broken";
  folder.mask("0", {0}, {1, 1});
  add("b", Tensor::from<std::uint8_t>({9, 255}, {1, 1, 2}));
  CHECK(FolderDataset(folder.path(), "train").channels() == 1);
  add("c", Tensor::from<std::uint8_t>({1, 2, 3}, {1, 1, 3}));
  add("d", Tensor::from<std::uint8_t>({4, 5, 6, 255}, {1, 1, 4}));
  const FolderDataset data(folder.path(), "train");
  CHECK(data.channels() == 3);
  CHECK(data.get(1).image.at({0, 1, 2}) == data.get(1).image.at({0, 1, 0}));
  CHECK(data.get(2).image.shape() == Shape{1, 1, 3});
  CHECK(data.get(4).image.at({0, 0, 1}) == doctest::Approx(5.0 / 255));
  add("Alpha", Tensor::from<std::uint8_t>({9, 7}, {1, 1, 2}));
  CHECK(FolderDataset(folder.path(), "train").channels() == 4);
  CHECK(FolderDataset(folder.path(), "train").get(4).image.at({0, 0, 3}) == 1);
  std::filesystem::remove(folder.at("train/images/Alpha.png"));
  std::filesystem::remove(folder.at("train/masks/Alpha.png"));
  add("e", Tensor::from<std::uint8_t>({4, 5, 6, 7}, {1, 1, 4}));
  std::ofstream(folder.at("train/images/0.pgm")) << "P5 1 1 255 .";
  std::filesystem::remove(folder.at("train/images/0.png"));
  CHECK(folder.refusal() ==
        folder.at("train/images/e.png") +
            ": expected 3 channels, got 4 with transparent pixels: save it without its alpha channel");
}

TEST_CASE("where no image can be read, the first of them is named") {
  DataFolder folder;
  std::ofstream(folder.at("train/images/a.png")) << "broken";
  CHECK(folder.refusal() == folder.at("train/images/a.png") + ": is not a PNG, JPEG or PNM file");
}

TEST_CASE("16-bit images are scaled by their own range") {
  DataFolder folder;
  folder.image("a", Tensor::from({0, 13107, 65535, 0, 0, 0}, {2, 3}));
  CHECK(FolderDataset(folder.path(), "train").get(0).image.at({0, 1, 0}) == doctest::Approx(0.2));
}

TEST_CASE("an image without a mask, and a mask without an image, are named") {
  DataFolder folder;
  folder.image("b", Tensor::ones({2, 3}, u8));
  CHECK(folder.refusal() == folder.at("train/images/b.png") + " has no mask " + folder.at("train/masks/b") + ".*");
  folder.image("c", Tensor::ones({2, 3}, u8));
  CHECK(folder.refusal() ==
        folder.at("train/images/b.png") + " has no mask " + folder.at("train/masks/b") + ".*, nor have 1 other files");
  folder.mask("b", {0, 0, 0, 0, 0, 0});
  folder.mask("c", {0, 0, 0, 0, 0, 0});
  folder.mask("d", {0, 0, 0, 0, 0, 0});
  CHECK(folder.refusal() == folder.at("train/masks/d.png") + " has no image " + folder.at("train/images/d") + ".*");
}

TEST_CASE("two files of one stem are an error") {
  DataFolder folder;
  write_pnm(folder.at("train/images/a.pgm"), Tensor::ones({2, 3}, u8));
  CHECK(folder.refusal() == folder.at("train/images/a.pgm") + " and a.png have the same stem: expected one of them");
}

TEST_CASE("folders that are missing or empty are named with what was expected") {
  const DataFolder folder;
  CHECK_THROWS_WITH_AS(FolderDataset(folder.at("nowhere"), "train"),
                       (folder.at("nowhere/train/images") + ": no such folder; expected " + folder.at("nowhere") +
                        "/{train,val}/{images,masks}, or images and masks in " + folder.at("nowhere") + " itself")
                           .c_str(),
                       IoError);
  CHECK_THROWS_WITH_AS(FolderDataset(folder.path(), "val"),
                       (folder.at("val/images") + ": holds no PNG, JPEG or PNM file").c_str(), IoError);
}

TEST_CASE("of a folder that holds images and masks itself a fifth is to validate on, the same ones every time") {
  const test::TemporaryFolder folder;
  for (const char* kind : {"images", "masks"}) std::filesystem::create_directories(folder / kind);
  const auto add = [&](const std::string& stem) {
    for (const char* kind : {"images/", "masks/"})
      write_png(folder / (kind + stem + ".png"), Tensor::from<std::uint8_t>({0, 1}, {1, 2}));
  };
  const auto stems = [&](const std::string& split) {
    std::vector<std::string> names;
    const FolderDataset part(folder.path(), split);
    for (const FolderDataset::Pair& pair : part.pairs()) names.push_back(pair.stem);
    return names;
  };
  add("only");
  CHECK_THROWS_WITH_AS(
      FolderDataset(folder.path(), "val"),
      (folder.path().string() + ": expected two images or more, one of them to validate on, got 1").c_str(), IoError);
  for (int i = 0; i < 11; ++i) add(fmt::format("{:02}", i));
  const std::vector<std::string> train = stems("train"), val = stems("val");
  CHECK(train.size() == 10);
  CHECK(val.size() == 2);
  std::vector<std::string> both;
  std::merge(train.begin(), train.end(), val.begin(), val.end(), std::back_inserter(both));
  CHECK(both == stems(""));
  CHECK(stems("val") == val);
  CHECK_THROWS_AS(FolderDataset(folder.path(), "test"), IoError);
  // A class that is in one part alone is one of both.
  write_png(folder / ("masks/" + val[0] + ".png"), Tensor::from<std::uint8_t>({0, 5}, {1, 2}));
  CHECK(FolderDataset(folder.path(), "train").labels().classes == 6);
  // Fourteen images still leave two: those of before, unless a new one took the place of one.
  add("11");
  add("12");
  const std::vector<std::string> later = stems("val");
  CHECK(std::count_if(later.begin(), later.end(), [&](const std::string& stem) {
          return stem == val[0] || stem == val[1] || stem == "11" || stem == "12";
        }) == 2);
}

TEST_CASE("a mask of another size than its image is an error with both sizes") {
  DataFolder folder;
  folder.mask("a", {0, 1, 2, 3}, {2, 2});
  CHECK(folder.refusal() == folder.at("train/images/a.png") + " is 3 x 2 pixels, but its mask " +
                                folder.at("train/masks/a.png") + " is 2 x 2");
}

TEST_CASE("of a colour map the colours named void are ignored beside the ignored value of grey masks") {
  DataFolder folder;
  folder.image("b", Tensor::ones({1, 3}, u8));
  folder.mask("a", {0, 1, 9, 0, 1, 9});
  folder.mask("b", {0, 0, 0, 255, 0, 0, 0, 0, 255}, {1, 3, 3});
  const MaskEncoding colors{.values = {}, .colors = {{{0, 0, 0}, 0}, {{255, 0, 0}, 1}, {{0, 0, 255}, no_label}}};
  const FolderDataset data(folder.path(), "train", {.ignore_index = 9, .encoding = colors});
  CHECK(data.labels().classes == 2);
  CHECK(data.mask(0).at({0, 2}) == 9);
  CHECK(data.mask(1).at({0, 1}) == 1);
  CHECK(data.mask(1).at({0, 2}) == 9);
}

TEST_CASE("a mask value beyond the classes is an error with file, place, count and a hint") {
  DataFolder folder;
  folder.mask("a", {0, 1, 0, 1, 255, 255});
  CHECK(
      folder.refusal({.classes = 2}) ==
      folder.at("train/masks/a.png") +
          ": 2 of 6 pixels lie beyond the 2 classes 0 to 1: the first is 255 at row 1, column 1; the mask holds 0, 1, "
          "255; pass --ignore-index 255 if 255 means unlabelled, or --classes 256 if it is a class");
  CHECK(folder.refusal({.classes = 2, .ignore_index = 255}) == "accepted");
  folder.mask("a", {0, 1, 2, 3, 3, 1});
  CHECK(folder.refusal({.classes = 2}).find("pass --classes 4 if these are classes") != std::string::npos);
}

TEST_CASE("classes that are found are counted from 1 where 0 is none") {
  DataFolder folder;
  folder.mask("a", {1, 2, 4, 1, 2, 1});
  const FolderDataset data(folder.path(), "train");
  CHECK(data.labels().classes == 4);
  CHECK(data.mask(0).at({0, 2}) == 3);
  CHECK(folder.refusal({.classes = 4}).find("1 of 6 pixels lie beyond the 4 classes 0 to 3") != std::string::npos);
  folder.mask("a", {1, 2, 0, 1, 2, 1});
  CHECK(FolderDataset(folder.path(), "train").labels().classes == 3);
  const FolderDataset without_0(folder.path(), "train", {.ignore_index = 0});
  CHECK(without_0.labels().classes == 2);
  CHECK(without_0.labels().ignore_index == no_label);
  CHECK(without_0.mask(0).at({0, 1}) == 1);
  CHECK(without_0.mask(0).at({0, 2}) == no_label);
}

TEST_CASE("0/255 masks and other encodings are explained") {
  DataFolder folder;
  folder.mask("a", {0, 0, 255, 255, 0, 0});
  CHECK(folder.refusal({.classes = 2})
            .find("0/255 masks: pass --mask-values 0,255 to have the classes 0 and 1, or "
                  "--ignore-index 255 if 255 means unlabelled") != std::string::npos);
  folder.mask("a", {0, 1, 2, 255, 255, 255});
  CHECK(folder.refusal().find("pass --ignore-index 255 if 255 means unlabelled") != std::string::npos);
  CHECK(FolderDataset(folder.path(), "train", {.ignore_index = 255}).labels().classes == 3);
  folder.mask("a", {255, 255, 255, 255, 255, 255});
  CHECK(folder.refusal({.ignore_index = 255}) == folder.at("train/masks") + ": no pixel of the masks has a label");
}

}  // namespace
}  // namespace tessera
