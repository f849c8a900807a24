#include <doctest/doctest.h>

TEST_CASE("the compiler speaks C++20") { CHECK(__cplusplus >= 202002L); }
