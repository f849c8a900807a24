#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <tessera/core/arena.hpp>

#include "tests/support/cache_folder.hpp"

int main(int argc, char** argv) {
  tessera::fill_new_blocks(true);  // with NaN, so that a result that an op did not write shows
  setenv("XDG_CACHE_HOME", tessera::test::CacheFolder::nowhere,
         1);  // what the user has remembered is no test's business
  return doctest::Context(argc, argv).run();
}
