#include <doctest/doctest.h>

#include <tessera/core/nearest_name.hpp>

using tessera::nearest_name;

TEST_CASE("the nearest name is the one with the fewest edits, the earlier at a tie") {
  const std::vector<std::string> names = {"flip", "scale", "rotate", "blur"};
  CHECK(nearest_name("flp", names) == "flip");
  CHECK(nearest_name("rotation", names) == "rotate");
  CHECK(nearest_name("scales", names) == "scale");
  CHECK(nearest_name("", {"ab", "cd", "e"}) == "e");
  CHECK(nearest_name("xy", {"ab", "cd"}) == "ab");
  CHECK(nearest_name("kitten", {"mittens", "sitting", "kit"}) == "mittens");
  CHECK(nearest_name("x", {}).empty());
}
