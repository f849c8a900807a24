#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/train/class_labels.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace tessera;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

constexpr Rgb black = {0, 0, 0}, red = {200, 0, 0}, blue = {0, 0, 200};

/// The colours of the classes 0 and 1, as masks of one palette give them, all but a broken first one.
std::vector<Rgb> palette_colors_of(const std::vector<Rgb>& palette, FolderOptions options = {.classes = 2}) {
  const test::TemporaryFolder folder;
  for (const char* kind : {"images", "masks"}) {
    fs::create_directories(folder / "train" / kind);
    std::ofstream(folder / "train" / kind / "a.png") << "broken";
    write_png(folder / "train" / kind / "b.png", Tensor::zeros({2, 2}, u8), palette);
  }
  return palette_colors(FolderDataset(folder.path(), "train", std::move(options)));
}

}  // namespace

TEST_CASE("class names are a list or the lines of a file") {
  CHECK(class_names_from_spec("sky, side walk ,road") == Names{"sky", "side walk", "road"});
  const test::TemporaryFolder folder;
  const std::string file = folder / "names.txt";
  std::ofstream(file) << "# what we saw\nsky\n\n  side walk \r\nroad\n";
  CHECK(class_names_from_spec(file) == Names{"sky", "side walk", "road"});
  CHECK_THROWS_WITH_AS(class_names_from_spec("sky,,road"), "class names: a name is missing in \"sky,,road\"",
                       ValueError);
  CHECK_THROWS_AS(class_names_from_spec("sky,road,"), ValueError);
  CHECK_THROWS_WITH_AS(class_names_from_spec("sky,road,sky"), "class names: \"sky\" stands there twice", ValueError);
  CHECK_THROWS_WITH_AS(class_names_from_spec("sky"),
                       "class names: \"sky\" is neither names such as sky,road nor a file with one a line", IoError);
}

TEST_CASE("classes have the colours of the masks' palette where these tell all of them apart") {
  CHECK(palette_colors_of({red, blue}) == std::vector<Rgb>{red, blue});
  CHECK(palette_colors_of({black, red, blue}) == std::vector<Rgb>{black, red});
  CHECK(palette_colors_of({black, {200, 8, 8}, red}, {.classes = 3}).empty());
  CHECK(palette_colors_of({black, {1, 1, 1}, {2, 2, 2}}).empty());
  CHECK(palette_colors_of({black}).empty());
  CHECK(palette_colors_of({}).empty());
  const MaskEncoding turned{.values = {{0, 1}, {2, 0}, {1, no_label}}};
  CHECK(palette_colors_of({black, red, blue}, {.encoding = turned}) == std::vector<Rgb>{blue, black});
}
