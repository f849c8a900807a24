#include <cmath>
#include <numbers>
#include <tessera/core/random.hpp>

namespace tessera {
namespace {

std::uint32_t high_word(std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); }
std::uint32_t low_word(std::uint64_t product) { return static_cast<std::uint32_t>(product); }

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_high, std::uint64_t counter_low) {
  std::uint32_t k0 = low_word(key), k1 = high_word(key);
  std::array<std::uint32_t, 4> c{low_word(counter_low), high_word(counter_low), low_word(counter_high),
                                 high_word(counter_high)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {high_word(b) ^ c[1] ^ k0, low_word(b), high_word(a) ^ c[3] ^ k1, low_word(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3;
  return hash;
}

std::array<std::uint32_t, 4> RandomStream::words(std::uint64_t block) const {
  return philox(seed_, stream_, (std::uint64_t{draw_} << 32) | static_cast<std::uint32_t>(block));
}

std::uint32_t RandomStream::bits(std::uint64_t element) const { return words(element >> 2)[element & 3]; }

double RandomStream::uniform(std::uint64_t element) const { return (bits(element) >> 8) * 0x1p-24; }

double RandomStream::uniform(std::uint64_t element, double low, double high) const {
  return low + (high - low) * uniform(element);
}

double RandomStream::normal(std::uint64_t element) const {
  // 1 - u lies in (0, 1], where the logarithm is finite.
  const double radius = std::sqrt(-2 * std::log(1 - uniform(2 * element)));
  return radius * std::cos(2 * std::numbers::pi * uniform(2 * element + 1));
}

std::int64_t RandomStream::integer(std::uint64_t element, std::int64_t below) const {
  return static_cast<std::int64_t>((std::uint64_t{bits(element)} * static_cast<std::uint64_t>(below)) >> 32);
}

}  // namespace tessera
