#include <doctest/doctest.h>

#include <cstdint>
#include <tessera/core/arena.hpp>
#include <tessera/core/random.hpp>
#include <tessera/core/tensor.hpp>
#include <vector>

using namespace tessera;

namespace {

/// What a training step does to memory: blocks of many sizes, released in another order. True if none overlapped.
bool repeatable_work() {
  const RandomStream random(7, 0);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  bool intact = true;
  const auto release = [&](std::size_t i) {
    auto [data, size] = blocks[i];
    intact =
        intact && data[0] == static_cast<unsigned char>(size) && data[size - 1] == static_cast<unsigned char>(size);
    arena::release(data);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto size = static_cast<std::size_t>(1 + random.integer(3 * i, i % 5 == 0 ? 4'000'000 : 50'000));
    auto* data = static_cast<unsigned char*>(arena::allocate(size));
    intact = intact && reinterpret_cast<std::uintptr_t>(data) % 64 == 0;
    data[0] = data[size - 1] = static_cast<unsigned char>(size);
    blocks.emplace_back(data, size);
    while (blocks.size() > 40)
      release(static_cast<std::size_t>(random.integer(3 * i + 1, static_cast<std::int64_t>(blocks.size()))));
  }
  while (!blocks.empty()) release(blocks.size() - 1);
  return intact;
}

}  // namespace

TEST_CASE("the arena hands out aligned blocks that do not overlap, and takes them all back") {
  const std::size_t before = memory_stats().in_use;
  CHECK(repeatable_work());
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("work that repeats asks the system for nothing") {
  repeatable_work();
  const std::uint64_t calls = memory_stats().system_calls;
  for (int i = 0; i < 5; ++i) CHECK(repeatable_work());
  CHECK(memory_stats().system_calls == calls);
}

TEST_CASE("release_cached leaves what is in use alone and gives the rest back") {
  const Tensor kept = Tensor::full({1000, 1000}, 3);
  { const Tensor large = Tensor::zeros({16, 1000, 1000}); }
  release_cached();
  const MemoryStats stats = memory_stats();
  CHECK(stats.reserved >= stats.in_use);
  CHECK(stats.reserved < stats.in_use + (std::size_t{40} << 20));
  CHECK(kept.at({999, 999}) == 3);
}

TEST_CASE("what was given back comes again, also between blocks that stay") {
  Tensor left = Tensor::full({1000, 1000}, 1), middle = Tensor::full({3000, 1000}, 2),
         right = Tensor::full({1000, 1000}, 3);
  middle = Tensor();
  release_cached();
  const std::size_t reserved = memory_stats().reserved;
  middle = Tensor::full({3000, 1000}, 4);
  CHECK(memory_stats().reserved > reserved);
  CHECK(left.at({999, 999}) == 1);
  CHECK(middle.at({0, 0}) == 4);
  CHECK(middle.at({2999, 999}) == 4);
  CHECK(right.at({0, 0}) == 3);
  left = middle = right = Tensor();
  release_cached();
  CHECK(memory_stats().reserved <= reserved);
}

TEST_CASE("more than the system has is an error, and what came before it stays usable") {
  const Tensor kept = Tensor::full({1000}, 5);
  CHECK_THROWS_AS(Tensor::empty({std::int64_t{1} << 50}), std::bad_alloc);
  const Tensor after = Tensor::full({1000}, 6);
  CHECK(kept.at({999}) == 5);
  CHECK(after.at({999}) == 6);
}

TEST_CASE("blocks stay whole where memory of several regions runs out") {  // also run in little address space
  const RandomStream random(8, 0);
  std::vector<std::pair<char*, std::size_t>> blocks;
  std::size_t held = 0;
  const auto release = [&](std::size_t i) {
    auto [data, size] = blocks[i];
    for (std::size_t at = 0; at < size; at += 4096) REQUIRE(data[at] == static_cast<char>(size >> 12));
    arena::release(data);
    held -= size;
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (std::uint64_t i = 0; i < 4000; ++i) {
    if (blocks.size() > 4 && (random.integer(3 * i, 3) == 0 || held > (std::size_t{600} << 20))) {
      release(static_cast<std::size_t>(random.integer(3 * i + 1, static_cast<std::int64_t>(blocks.size()))));
      continue;
    }
    const std::size_t size = static_cast<std::size_t>(1 + random.integer(3 * i + 2, 24)) << 20;
    try {
      auto* data = static_cast<char*>(arena::allocate(size));
      for (std::size_t at = 0; at < size; at += 4096) data[at] = static_cast<char>(size >> 12);
      blocks.emplace_back(data, size);
      held += size;
    } catch (const std::bad_alloc&) {
      release(blocks.size() - 1);
    }
  }
  while (!blocks.empty()) release(blocks.size() - 1);
}

TEST_CASE("the peak is the largest use since it was reset") {
  reset_peak_memory();
  const std::size_t before = memory_stats().peak_in_use;
  { const Tensor large = Tensor::zeros({1000, 1000}); }
  CHECK(memory_stats().peak_in_use >= before + 4'000'000);
  reset_peak_memory();
  CHECK(memory_stats().peak_in_use == memory_stats().in_use);
}
