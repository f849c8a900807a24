#include <doctest/doctest.h>

#include <tessera/core/nearest_name.hpp>

using tessera::nearest_name;

TEST_CASE("the nearest name takes the fewest edits, the earlier one at a tie") {
  const std::vector<std::string> names = {"flip", "scale", "rotate"};
  CHECK(nearest_name("flp", names) == "flip");
  CHECK(nearest_name("rotation", names) == "rotate");
  CHECK(nearest_name("scales", names) == "scale");
  CHECK(nearest_name("kitten", {"mittens", "sitting", "kit"}) == "kit");
  CHECK(nearest_name("kitten", {"mittens", "sitting"}) == "mittens");
  CHECK(nearest_name("bat", {"cat", "rat"}) == "cat");
}

TEST_CASE("two neighbouring letters that are swapped are one edit") {
  CHECK(nearest_name("htlm", {"help", "html"}) == "html");
  CHECK(nearest_name("bathc-size", {"data", "batch-size"}) == "batch-size");
  CHECK(nearest_name("rl", {"lr"}) == "lr");
}

TEST_CASE("a name that begins as the text does comes first, however much longer one of them is") {
  CHECK(nearest_name("batch", {"patch", "batch-size"}) == "batch-size");
  CHECK(nearest_name("lr-rate", {"resume", "lr"}) == "lr");
  CHECK(nearest_name("class", {"class-weights", "classes"}) == "classes");
  CHECK(nearest_name("eval", {"train", "evaluate"}) == "evaluate");
}

TEST_CASE("no name is suggested that is far from the text") {
  CHECK(nearest_name("xyzzy", {"size", "lr", "epochs", "x"}).empty());
  CHECK(nearest_name("xy", {"ab", "cd"}).empty());
  CHECK(nearest_name("x", {"y"}).empty());
  CHECK(nearest_name("", {"ab", "cd", "e"}).empty());
  CHECK(nearest_name("x", {}).empty());
}
