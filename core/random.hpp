#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tessera {

/// Philox 4x32-10 (Salmon et al. 2011): four random words as a pure function of a key and a 128-bit counter.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_high, std::uint64_t counter_low);

/// FNV-1a hash of a name, for streams named after a module's path.
std::uint64_t stream_of(std::string_view name);

/// Random numbers addressed by (seed, stream, draw, element): the same element gives the same number on any thread, in
/// any order.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream, std::uint32_t draw = 0)
      : seed_(seed), stream_(stream), draw_(draw) {}

  /// A 32-bit word.
  std::uint32_t bits(std::uint64_t element) const;
  /// The words of elements 4 * block to 4 * block + 3, at the price of one.
  std::array<std::uint32_t, 4> words(std::uint64_t block) const;
  /// Uniform in [0, 1) with 24 bits, so that it is exact in f32 too.
  double uniform(std::uint64_t element) const;
  double uniform(std::uint64_t element, double low, double high) const;
  /// Standard normal (Box-Muller over two words).
  double normal(std::uint64_t element) const;
  /// Uniform in 0 .. below - 1.
  std::int64_t integer(std::uint64_t element, std::int64_t below) const;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint32_t draw_;
};

}  // namespace tessera
