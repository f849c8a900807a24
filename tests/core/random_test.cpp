#include <doctest/doctest.h>

#include <cmath>
#include <tessera/core/random.hpp>

using namespace tessera;

TEST_CASE("Philox gives the words that its authors publish") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ull, ~0ull, ~0ull) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a random number is a function of seed, stream, draw and element alone") {
  const RandomStream stream(1, stream_of("dropout"), 2);
  CHECK(stream.bits(5) == RandomStream(1, stream_of("dropout"), 2).bits(5));
  for (const RandomStream& other : {RandomStream(2, stream_of("dropout"), 2), RandomStream(1, stream_of("order"), 2),
                                    RandomStream(1, stream_of("dropout"), 3)})
    CHECK(stream.bits(5) != other.bits(5));
  CHECK(stream.bits(5) != stream.bits(6));
}

TEST_CASE("random numbers have the mean, spread and range of their distribution") {
  const RandomStream stream(3, 4);
  constexpr int count = 100000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  bool inside = true;
  std::array<int, 6> faces{};
  for (std::uint64_t i = 0; i < count; ++i) {
    const double u = stream.uniform(i), n = stream.normal(i);
    inside = inside && u >= 0 && u < 1;
    sum += u;
    normal_sum += n;
    normal_squares += n * n;
    ++faces.at(static_cast<std::size_t>(stream.integer(i, 6)));
  }
  CHECK(inside);
  CHECK(std::abs(sum / count - 0.5) < 0.005);
  CHECK(std::abs(normal_sum / count) < 0.015);
  CHECK(std::abs(normal_squares / count - 1) < 0.02);
  for (const int face : faces) CHECK(std::abs(face - count / 6) < 700);
}
