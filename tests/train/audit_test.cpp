#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tessera/core/error.hpp>
#include <tessera/data/image.hpp>
#include <tessera/train/audit.hpp>
#include <tessera/train/contact_sheet.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace tessera;

namespace {

/// A folder with images/ and masks/.
class Folder {
 public:
  Folder() {
    std::filesystem::create_directories(folder_ / "images");
    std::filesystem::create_directories(folder_ / "masks");
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  void image(const std::string& name, const Shape& shape) const {
    write_png(folder_ / ("images/" + name), Tensor::zeros(shape, u8));
  }
  void mask(const std::string& name, const Tensor& pixels, const std::vector<Rgb>& palette = {}) const {
    write_png(folder_ / ("masks/" + name), pixels, palette);
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

MaskCounts counts_of(const std::map<std::int32_t, MaskValue>& values) { return {.values = values}; }

}  // namespace

TEST_CASE("an audit counts pairs, sizes and mask values, and names every file that is wrong") {
  const Folder folder;
  folder.image("a.png", {2, 3, 3});
  folder.mask("a.png", Tensor::from<std::uint8_t>({0, 0, 1, 1, 1, 4}, {2, 3}));
  folder.image("b.png", {2, 3, 1});
  folder.mask("b.png", Tensor::from<std::uint8_t>({1, 1, 1, 1, 1, 1}, {2, 3}));
  folder.image("alone.png", {2, 3, 3});
  folder.mask("stray.png", Tensor::zeros({2, 3}, u8));
  folder.image("other_size.png", {5, 3, 3});
  folder.mask("other_size.png", Tensor::zeros({2, 3}, u8));
  folder.image("broken.png", {2, 3, 3});
  std::ofstream(folder.at("masks/broken.png")) << "no image";
  folder.image("empty.png", {2, 3, 3});
  folder.mask("empty.png", Tensor::zeros({2, 3}, u8));

  std::atomic<int> advanced = 0;
  std::int64_t begun = 0;
  const FolderAudit audit = audit_folder(
      folder.path(), {.begin = [&](std::int64_t pairs) { begun = pairs; }, .advance = [&] { ++advanced; }});
  CHECK(begun == 5);
  CHECK(advanced == 5);
  const PartAudit& part = audit.parts.at(0);
  CHECK(part.pairs == 5);
  CHECK(part.usable.size() == 3);
  CHECK(part.images_without_mask == std::vector<std::string>{"alone.png"});
  CHECK(part.masks_without_image == std::vector<std::string>{"stray.png"});
  CHECK(part.sizes == std::map<std::array<std::int64_t, 3>, std::int64_t>{{{2, 3, 1}, 1}, {{2, 3, 3}, 2}});
  CHECK(part.counts.values.at(1).pixels == 9);
  CHECK(part.counts.values.at(1).masks == 2);
  CHECK(part.counts.values.at(4).pixels == 1);
  CHECK(part.empty_masks == std::vector<std::string>{"empty.png"});
  REQUIRE(part.problems.size() == 2);
  CHECK(part.problems[0].find("broken.png") != std::string::npos);
  CHECK(part.problems[1] == folder.at("masks/other_size.png") + ": 3 x 2 pixels, but its image has 3 x 5");
  CHECK(!audit.sound());
  CHECK(to_text(audit).find("50.00%") != std::string::npos);

  const auto json = nlohmann::json::parse(to_json(audit));
  CHECK(json["sound"] == false);
  CHECK(json["parts"][0]["pairs"] == 5);
  CHECK(json["parts"][0]["values"][1]["pixels"] == 9);
  CHECK(json["parts"][0]["empty_masks"][0] == "empty.png");
  CHECK(json["ignore_index"].is_null());
}

TEST_CASE("an audit weighs the classes of the training part by their shares") {
  const Folder folder;
  folder.image("a.png", {1, 4, 3});
  folder.mask("a.png", Tensor::from<std::uint8_t>({0, 255, 255, 255}, {1, 4}));
  const FolderAudit audit = audit_folder(folder.path());
  CHECK(audit.advice.options() == "--mask-values 0,255");
  CHECK(audit.class_pixels.pixels == std::vector<std::int64_t>{1, 3});
  const auto json = nlohmann::json::parse(to_json(audit));
  CHECK(json["class_weights"]["inverse"][0] == 2);
  CHECK(json["class_weights"]["median"][0] == 2);
  CHECK(json["mask_values"] == nlohmann::json({0, 255}));
}

TEST_CASE("of very many classes the weights of the first are shown") {
  const Folder folder;
  folder.image("a.png", {1, 600, 3});
  Tensor mask = Tensor::empty({1, 600}, i32);
  for (std::int32_t i = 0; i < 600; ++i) mask.mutable_data<std::int32_t>()[i] = i / 2;
  folder.mask("a.png", mask);
  const std::string text = to_text(audit_folder(folder.path()));
  CHECK(text.find("\n            39     1.0000") != std::string::npos);
  CHECK(text.find("\n            40     1.0000") == std::string::npos);
  CHECK(text.find("and 260 more, which --json lists") != std::string::npos);
  CHECK(text.find("suggested: --classes 300") != std::string::npos);
}

TEST_CASE("coloured masks are counted by colour, and by class once a colour map is there") {
  const Folder folder;
  folder.image("a.png", {1, 3, 3});
  folder.mask("a.png", Tensor::from<std::uint8_t>({128, 64, 128, 0, 0, 0, 128, 64, 128}, {1, 3, 3}));
  const FolderAudit unknown = audit_folder(folder.path());
  CHECK(unknown.counts.colors.at(Rgb{128, 64, 128}).pixels == 2);
  CHECK(unknown.advice.classes == 0);
  CHECK(unknown.advice.remarks.at(0).find("coloured, with 2 colours") != std::string::npos);
  CHECK(to_text(unknown).find("128 64 128") != std::string::npos);
  folder.image("b.png", {1, 1, 3});
  folder.mask("b.png", Tensor::zeros({1, 1, 3}, u8));  // black throughout, it might be of value 0
  CHECK(to_text(audit_folder(folder.path())).find("nothing to tell apart") == std::string::npos);
  std::filesystem::remove(folder.path() / "images/b.png");
  std::filesystem::remove(folder.path() / "masks/b.png");

  const FolderAudit known = audit_folder(
      folder.path(),
      {.names = {"sky", "road"}, .encoding = {.values = {}, .colors = {{{0, 0, 0}, 0}, {{128, 64, 128}, 1}}}});
  CHECK(known.counts.values.at(1).pixels == 2);
  CHECK(known.class_pixels.pixels == std::vector<std::int64_t>{1, 2});
  CHECK(to_text(known).find("road") != std::string::npos);
  CHECK(known.parts[0].empty_masks.empty());
}

TEST_CASE("masks without an object are listed, also where all that they hold is ignored") {
  const Folder folder;
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) folder.image(name, {1, 2, 3});
  folder.mask("a.png", Tensor::from<std::uint8_t>({0, 1}, {1, 2}));
  folder.mask("b.png", Tensor::from<std::uint8_t>({0, 0}, {1, 2}));
  folder.mask("c.png", Tensor::from<std::uint8_t>({255, 0}, {1, 2}));
  folder.mask("d.png", Tensor::from<std::uint8_t>({255, 255}, {1, 2}));
  const FolderAudit audit = audit_folder(folder.path());
  CHECK(audit.advice.ignore_index == 255);
  CHECK(audit.parts[0].empty_masks == std::vector<std::string>{"b.png", "c.png", "d.png"});
}

TEST_CASE("masks of one value have nothing to suggest, and no weights") {
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{255}}) {
    const Folder folder;
    folder.image("a.png", {1, 2, 3});
    folder.mask("a.png", Tensor::from<std::uint8_t>({value, value}, {1, 2}));
    const std::string text = to_text(audit_folder(folder.path()));
    CHECK(text.find(fmt::format("every pixel is {}: there is nothing to tell apart", value)) != std::string::npos);
    CHECK(text.find("suggested") == std::string::npos);
    CHECK(text.find("class weights") == std::string::npos);
  }
}

TEST_CASE("palette masks are indices, and different palettes are remarked on") {
  const Folder folder;
  const std::vector<Rgb> red = {{0, 0, 0}, {255, 0, 0}}, blue = {{0, 0, 0}, {0, 0, 255}};
  for (const auto& [name, palette] : {std::pair{"a.png", red}, std::pair{"b.png", blue}}) {
    folder.image(name, {1, 2, 3});
    folder.mask(name, Tensor::from<std::uint8_t>({0, 1}, {1, 2}), palette);
  }
  const FolderAudit audit = audit_folder(folder.path());
  CHECK(audit.advice.classes == 2);
  CHECK(audit.advice.remarks.at(0).find("2 different palettes") != std::string::npos);
  CHECK(to_text(audit).find("read as indices") != std::string::npos);
  const FolderAudit known = audit_folder(
      folder.path(), {.color_map = "map.txt",
                      .encoding = {.values = {}, .colors = {{{0, 0, 0}, 0}, {{255, 0, 0}, 1}, {{0, 0, 255}, 2}}}});
  CHECK(to_text(known).find("read by the colour map") != std::string::npos);
  CHECK(to_text(known).find("suggested: --colour-map map.txt\n") != std::string::npos);
}

TEST_CASE("classes that grew when a mask was resized with blending are told from real ones") {
  const Folder folder;
  folder.image("a.png", {6, 6, 3});
  Tensor ramp = Tensor::empty({6, 6}, u8);
  const std::vector<std::uint8_t> row = {0, 0, 50, 100, 180, 255};
  for (std::int64_t y = 0; y < 6; ++y) std::copy(row.begin(), row.end(), ramp.mutable_data<std::uint8_t>() + 6 * y);
  folder.mask("a.png", ramp);
  const MaskAdvice advice = audit_folder(folder.path()).advice;
  CHECK(advice.remarks.at(0).find("3 of the 5 values stand at the borders of others only (50, 100, 180)") == 0);
  CHECK(advice.remarks.at(0).find("nearest-neighbour resizing, or set values below 128 to 0") != std::string::npos);
  CHECK(advice.options().empty());

  MaskValue border{.pixels = 10, .masks = 1, .between = 10}, area{.pixels = 90, .masks = 1};
  const MaskAdvice two = advise(counts_of({{0, area}, {18, border}, {142, border}, {255, area}}));
  CHECK(two.remarks.at(0).find("2 of the 4 values stand at the borders of others only (18, 142)") == 0);
  CHECK(two.options().empty());
  const MaskAdvice classes = advise(counts_of({{0, area}, {1, border}, {2, border}, {3, border}, {7, area}}));
  CHECK(classes.remarks.at(0).ends_with("with nearest-neighbour resizing"));
  CHECK(classes.options().empty());
  CHECK(classes.blended);
  CHECK(advise(counts_of({{0, area}, {1, border}, {2, area}})).options() == "--classes 3");
  CHECK(!advise(counts_of({{0, area}, {1, border}, {2, area}})).blended);
}

TEST_CASE("colours that grew when a mask was resized with blending are told from painted ones") {
  const Folder folder;
  const auto paint = [&](const std::string& name, const std::vector<Rgb>& row) {
    Tensor mask = Tensor::empty({4, static_cast<std::int64_t>(row.size()), 3}, u8);
    auto* out = mask.mutable_data<std::uint8_t>();
    for (int y = 0; y < 4; ++y)
      for (const Rgb& color : row) out = std::copy(color.begin(), color.end(), out);
    folder.image(name, {4, static_cast<std::int64_t>(row.size()), 3});
    folder.mask(name, mask);
  };
  const Rgb sky = {128, 128, 128}, road = {128, 64, 128}, car = {64, 0, 128}, tree = {128, 128, 0};
  const Rgb line = {128, 96, 128};  // a thin one between two others is no blend
  paint("a.png", {sky, sky, line, road, road, car, car, tree, tree});
  paint("b.png", {sky, road, car, tree, sky, car, road, tree, sky});
  const MaskAdvice painted = audit_folder(folder.path()).advice;
  CHECK(!painted.blended);
  CHECK(painted.remarks.at(0).find("some masks are coloured, with 5 colours: write a file") == 0);

  paint("a.png", {sky, sky, {128, 112, 128}, {128, 80, 128}, road, road, {96, 32, 128}, car, car});
  paint("b.png", {road, {80, 16, 128}, {72, 8, 128}, car, car, {70, 5, 128}, {100, 40, 128}, road, road});
  const FolderAudit blended = audit_folder(folder.path());
  CHECK(blended.advice.blended);
  CHECK(blended.advice.remarks.size() == 1);
  CHECK(
      blended.advice.remarks[0] ==
      "7 of the 10 colours stand at the borders of others only: the masks were blended when they were resized, rotated "
      "or saved as JPEG, and these are no classes; make them anew from the originals with nearest-neighbour resizing");
  CHECK(!blended.sound());
}

TEST_CASE("a contact sheet is one page that holds its pictures") {
  const Folder folder;
  folder.image("a<b.png", {4, 5, 3});
  folder.mask("a<b.png", Tensor::full({4, 5}, 255, u8));
  const std::string page = contact_sheet(audit_folder(folder.path()));
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("src=\"data:image/png;base64,") != std::string::npos);
  CHECK(page.find("a&lt;b.png, 5 x 4") != std::string::npos);
  CHECK(page.find("http") == std::string::npos);
}

TEST_CASE("an audit of a folder without images says what it expected") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(audit_folder(folder.path()),
                       ((folder / "images").string() + ": no such folder; expected " + folder.path().string() +
                        "/{train,val}/{images,masks}, or images and masks in " + folder.path().string() + " itself")
                           .c_str(),
                       IoError);
  const Folder nothing;
  CHECK(audit_folder(nothing.path()).empty());
  CHECK(!audit_folder(nothing.path()).sound());
  nothing.image("a.png", {2, 3, 3});
  const FolderAudit images = audit_folder(nothing.path());
  CHECK(images.empty());
  CHECK(to_text(images).find("expected images in images/ and masks of the same stems in masks/") != std::string::npos);
  nothing.mask("a.png", Tensor::zeros({2, 3}, u8));
  CHECK(!audit_folder(nothing.path()).empty());
}

TEST_CASE("an audit is sound where training takes all of the folder, whatever else lies there") {
  const Folder folder;
  const Tensor classes = Tensor::from<std::uint8_t>({0, 1}, {1, 2});
  const auto problems = [&] { return audit_folder(folder.path()).problems; };
  folder.image("a.png", {1, 2, 1});
  folder.mask("a.png", classes);
  CHECK(problems() == std::vector<std::string>{folder.path().string() +
                                               ": expected two images or more, one of them to validate on, got 1"});
  CHECK(!audit_folder(folder.path()).sound());
  folder.image("b.png", {1, 2, 3});  // grey and colour become colour
  folder.mask("b.png", classes);
  for (const char* stray : {"images/Thumbs.db", "masks/classes.txt", "images/.DS_Store"})
    std::ofstream(folder.at(stray)) << "stray";
  std::filesystem::create_directory(folder.at("images/more"));
  const FolderAudit audit = audit_folder(folder.path());
  CHECK(audit.sound());
  CHECK(problems().empty());
  CHECK(audit.parts[0].pairs == 2);
  CHECK(audit.parts[0].passed_over == std::vector<std::string>{"images/Thumbs.db", "images/more", "masks/classes.txt"});
  CHECK(to_text(audit).find("passed over, being no image files: images/Thumbs.db, images/more, masks/classes.txt\n") !=
        std::string::npos);
  CHECK(to_text(audit).find("not all of this") == std::string::npos);

  write_png(folder.at("images/b.png"), Tensor::from<std::uint8_t>({1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 4}));
  const FolderAudit transparent = audit_folder(folder.path());
  CHECK(!transparent.sound());
  CHECK(transparent.parts[0].problems ==
        std::vector<std::string>{folder.at("images/b.png") +
                                 ": expected 3 channels, got 4 with transparent pixels: save it without its alpha "
                                 "channel"});
  folder.image("b.png", {1, 2, 3});
  for (const char* mask : {"a.png", "b.png"}) folder.mask(mask, Tensor::zeros({1, 2}, u8));
  CHECK(!audit_folder(folder.path()).sound());  // nothing to tell apart
  folder.mask("a.png", Tensor::from<std::uint8_t>({0, 0, 0, 128, 0, 0}, {1, 2, 3}));
  folder.mask("b.png", classes);
  CHECK(!audit_folder(folder.path()).sound());  // its colours are not known
  CHECK(audit_folder(folder.path()).advice.options().empty());
}

TEST_CASE("an audit misses the part that is not there, and images in colour where those trained on are grey") {
  const test::TemporaryFolder folder;
  const auto add = [&](const char* part, std::int64_t channels) {
    for (const char* kind : {"images", "masks"}) std::filesystem::create_directories(folder / part / kind);
    Tensor image = Tensor::zeros({1, 2, channels}, u8);
    image.mutable_data<std::uint8_t>()[0] = 9;
    write_png(folder / part / "images/a.png", image);
    write_png(folder / part / "masks/a.png", Tensor::from<std::uint8_t>({0, 1}, {1, 2}));
  };
  add("train", 1);
  const FolderAudit alone = audit_folder(folder.path());
  CHECK(!alone.sound());
  CHECK(alone.advice.options() == "--classes 2");
  CHECK(to_text(alone).find("wrong: " + (folder / "val").string() + ": no such folder; expected ") !=
        std::string::npos);
  CHECK(nlohmann::json::parse(to_json(alone))["problems"].size() == 1);
  add("val", 1);
  CHECK(audit_folder(folder.path()).sound());
  add("val", 3);
  const FolderAudit mixed = audit_folder(folder.path());
  CHECK(!mixed.sound());
  CHECK(mixed.parts[1].problems ==
        std::vector<std::string>{(folder / "val/images/a.png").string() +
                                 ": expected 1 channel, got 3 that are not grey: save it in grey"});
  std::filesystem::remove_all(folder / "train");
  CHECK(audit_folder(folder.path()).problems.at(0).find((folder / "train").string() + ": no such folder") == 0);
}

TEST_CASE("values of grey masks beyond a colour map's classes are ignored where they are one, else wrong") {
  const Folder folder;
  for (const char* name : {"a.png", "b.png"}) folder.image(name, {1, 3, 3});
  folder.mask("a.png", Tensor::from<std::uint8_t>({0, 1, 255}, {1, 3}));
  folder.mask("b.png", Tensor::from<std::uint8_t>({0, 0, 0}, {1, 3}));
  const AuditOptions options{.color_map = "map.txt",
                             .encoding = {.values = {}, .colors = {{{0, 0, 0}, 0}, {{255, 0, 0}, 1}}}};
  const FolderAudit one = audit_folder(folder.path(), options);
  CHECK(one.sound());
  CHECK(one.advice.options() == "--colour-map map.txt --ignore-index 255");
  folder.mask("b.png", Tensor::from<std::uint8_t>({0, 0, 7}, {1, 3}));
  const FolderAudit two = audit_folder(folder.path(), options);
  CHECK(!two.sound());
  CHECK(two.problems ==
        std::vector<std::string>{"2 values of the masks, from 7 on, lie beyond the 2 classes of map.txt"});
}

TEST_CASE("the values in the masks suggest the classes and what to ignore") {
  const auto advice_on = [](const std::vector<std::int32_t>& values) {
    std::map<std::int32_t, MaskValue> counts;
    for (const std::int32_t value : values) counts[value] = {.pixels = 10, .masks = 1};
    return advise(counts_of(counts));
  };
  CHECK(advice_on({0, 1, 2}).options() == "--classes 3");
  CHECK(advice_on({0, 1, 2}).remarks.empty());
  CHECK(advice_on({0, 1, 255}).options() == "--classes 2 --ignore-index 255");
  CHECK(advice_on({0, 255}).options() == "--mask-values 0,255");
  CHECK(advice_on({0, 255}).remarks.at(0).find("black and white") != std::string::npos);
  CHECK(advice_on({1, 2, 3}).options() == "--mask-values 1,2,3");
  CHECK(advice_on({1, 2, 3}).remarks ==
        std::vector<std::string>{"no class is 0: training takes the values 1 to 3 as the "
                                 "classes 0 to 2; if 0 is a class, pass --classes 4"});
  CHECK(advice_on({1, 3, 255}).options() == "--mask-values 1,2,3 --ignore-index 255");
  CHECK(advice_on({1, 3}).remarks.back() == "no pixel is 2: classes that nothing is learnt of");
  CHECK(advice_on({1, 100, 200}).options() == "--mask-values 1,100,200");
  CHECK(advice_on({0, 100, 200}).options() == "--mask-values 0,100,200");
  CHECK(advice_on({0, 100, 200}).remarks.at(0).find("grey values") != std::string::npos);
  CHECK(advice_on({0, 1, 3}).options() == "--classes 4");
  CHECK(advice_on({0, 1, 3}).remarks.at(0) == "no pixel is 2: classes that nothing is learnt of");
  CHECK(advice_on({}).options().empty());
}
