#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/audit.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace tessera;

TEST_CASE("an audit counts pairs, sizes and mask values, and names every file that is wrong") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "images");
  std::filesystem::create_directories(folder / "masks");
  const auto image = [&](const std::string& name, const Shape& shape) {
    write_png(folder / ("images/" + name), Tensor::zeros(shape, u8));
  };
  image("a.png", {2, 3, 3});
  write_png(folder / "masks/a.png", Tensor::from<std::uint8_t>({0, 0, 1, 1, 1, 4}, {2, 3}));
  image("b.png", {2, 3, 1});
  write_png(folder / "masks/b.png", Tensor::from<std::uint8_t>({1, 1, 1, 1, 1, 1}, {2, 3}));
  image("alone.png", {2, 3, 3});
  write_png(folder / "masks/stray.png", Tensor::zeros({2, 3}, u8));
  image("other_size.png", {5, 3, 3});
  write_png(folder / "masks/other_size.png", Tensor::zeros({2, 3}, u8));
  image("broken.png", {2, 3, 3});
  std::ofstream(folder / "masks/broken.png") << "no image";

  const PartAudit audit = audit_part(folder.path());
  CHECK(audit.pairs == 4);
  CHECK(audit.images_without_mask == std::vector<std::string>{"alone.png"});
  CHECK(audit.masks_without_image == std::vector<std::string>{"stray.png"});
  CHECK(audit.sizes == std::map<std::array<std::int64_t, 3>, std::int64_t>{{{2, 3, 1}, 1}, {{2, 3, 3}, 1}});
  CHECK(audit.values.at(1).pixels == 9);
  CHECK(audit.values.at(1).masks == 2);
  CHECK(audit.values.at(4).pixels == 1);
  REQUIRE(audit.problems.size() == 2);
  CHECK(audit.problems[0].find("broken.png") != std::string::npos);
  CHECK(audit.problems[1] == (folder / "masks/other_size.png").string() + ": 3 x 2 pixels, but its image has 3 x 5");
  CHECK(to_text(audit).find("75.00%") != std::string::npos);
}

TEST_CASE("an audit of a folder without images says what it expected") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(audit_part(folder.path()),
                       ((folder / "images").string() + ": expected a folder, there is none").c_str(), IoError);
}

TEST_CASE("the values in the masks suggest the classes and what to ignore") {
  CHECK(advise({{0, {}}, {1, {}}, {2, {}}}).classes == 3);
  CHECK(advise({{0, {}}, {1, {}}, {2, {}}}).remarks.empty());

  const MaskAdvice with_ignored = advise({{0, {}}, {1, {}}, {255, {}}});
  CHECK(with_ignored.classes == 2);
  CHECK(with_ignored.ignore_index == 255);

  const MaskAdvice black_and_white = advise({{0, {}}, {255, {}}});
  CHECK(black_and_white.classes == 2);
  CHECK(black_and_white.ignore_index < 0);
  CHECK(black_and_white.remarks.at(0).find("write 1 for 255") != std::string::npos);

  CHECK(advise({{1, {}}, {2, {}}}).remarks.at(0).find("counted from 1") != std::string::npos);
  CHECK(advise({{0, {}}, {100, {}}, {200, {}}}).remarks.at(0).find("grey values") != std::string::npos);
  CHECK(advise({}).classes == 0);
}
