#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <string>

namespace {

std::ifstream project_file(const std::string& path) { return std::ifstream(TESSERA_GOLDEN_DIR "/../../" + path); }

std::string trimmed(const std::string& line) {
  const auto first = line.find_first_not_of(' ');
  return first == std::string::npos ? "" : line.substr(first);
}

}  // namespace

TEST_CASE("the model in the README is the one that examples/custom_model.cpp trains") {
  std::set<std::string> example;
  std::ifstream source = project_file("examples/custom_model.cpp");
  for (std::string line; std::getline(source, line);) example.insert(trimmed(line));

  std::ifstream readme = project_file("README.md");
  std::string line;
  while (std::getline(readme, line) && line != "## A model in 20 lines") continue;
  while (std::getline(readme, line) && line != "```cpp") continue;
  int lines = 0;
  for (; std::getline(readme, line) && line != "```"; ++lines) {
    CAPTURE(line);
    CHECK(example.contains(trimmed(line)));
  }
  CHECK(lines > 15);
}
