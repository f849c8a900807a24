#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <tessera/core/arena.hpp>

int main(int argc, char** argv) {
  tessera::fill_new_blocks(true);  // with NaN, so that a result that an op did not write shows
  return doctest::Context(argc, argv).run();
}
