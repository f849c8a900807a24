#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tessera::test;

TEST_CASE("conv_transpose prints the texts in tests/examples/conv_transpose") {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TESSERA_GOLDEN_DIR "/../examples/conv_transpose")) {
    CAPTURE(entry.path().filename());
    std::ifstream file(entry.path());
    std::string command;
    std::getline(file, command);  // "$ conv_transpose ARGUMENTS"
    std::ostringstream text;
    text << file.rdbuf();
    const std::string program = "$ conv_transpose ";
    REQUIRE(command.starts_with(program));
    CHECK(run_program("conv_transpose", command.substr(program.size())).text == text.str());
    ++cases;
  }
  CHECK(cases >= 12);
}

TEST_CASE("conv_transpose ends with 1 where an expectation does not hold and with 0 where it does") {
  const std::string layer = "--input-shape 4x4x1 --kernel-size 5 --strides 2 --padding same --expect ";
  CHECK(run_program("conv_transpose", layer + "12x12").status == 1);
  CHECK(run_program("conv_transpose", layer + "8x8").status == 0);
}

TEST_CASE("the four ways of conv_transpose --verify agree, also with dilation, groups, crops and a batch") {
  for (const char* layer :
       {"--input-shape 4x5x2 --filters 3 --kernel-size 5x3 --strides 2x3 --padding same",
        "--input-shape 3x4x4 --filters 2 --kernel-size 3 --strides 2 --dilation-rate 3x2 --groups 2 --batch 2",
        "--input-shape 3x3x1 --kernel-size 2 --strides 4 --padding valid --activation gelu",
        "--input-shape 3x3x2 --kernel-size 4 --strides 3 --padding 0x2x3x1 --output-padding 2x0"}) {
    CAPTURE(layer);
    for (const char* values : {" --verify --values ramp", " --verify --values random --seed 3"}) {
      const Ran ran = run_program("conv_transpose", std::string(layer) + values);
      CHECK(ran.status == 0);
      CHECK(ran.text.find("they agree") != std::string::npos);
    }
  }
}

TEST_CASE("conv_transpose draws a picture and a page without a link to anywhere") {
  const TemporaryFolder folder;
  const std::string svg = (folder / "strip.svg").string(), html = (folder / "page.html").string();
  const Ran ran =
      run_program("conv_transpose",
                  "--input-shape 3x3x2 --kernel-size 3 --strides 2 --padding same --svg " + svg + " --html " + html);
  CHECK(ran.text == "");
  CHECK(ran.status == 0);
  for (const std::string& path : {svg, html}) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    CHECK(text.str().size() > 5000);
    for (const char* link : {" src=", " href=", "url(", "@import", "fetch("})
      CHECK(text.str().find(link) == std::string::npos);
  }
}

TEST_CASE("conv_transpose draws the first image of a batch and says so") {
  const TemporaryFolder folder;
  const std::string svg = (folder / "strip.svg").string(), html = (folder / "page.html").string();
  const std::string layer = "--input-shape 3x3x1 --kernel-size 3 --values ones --svg " + svg + " --html " + html;
  const Ran ran = run_program("conv_transpose", layer + " --batch 3");
  CHECK(ran.text == "The picture shows the first of 3 images.\n");
  CHECK(ran.status == 0);
  const auto text_of = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  CHECK(text_of(svg).find(">input, image 0 of 3<") != std::string::npos);
  CHECK(text_of(html).find("\"images\":3") != std::string::npos);
  const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  const auto cells = count(text_of(svg));
  REQUIRE(run_program("conv_transpose", layer).status == 0);
  CHECK(count(text_of(svg)) == cells);
}
