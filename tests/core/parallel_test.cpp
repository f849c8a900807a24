#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <thread>
#include <vector>

#include "tests/support/message_of.hpp"

using namespace tessera;

namespace {

/// Sets the number of threads and puts the old one back.
class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// How often each of `chunks` chunks ran.
std::vector<int> runs_of(std::int64_t chunks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
  parallel_for(chunks, [&](std::int64_t chunk) { ++runs[static_cast<std::size_t>(chunk)]; });
  return {runs.begin(), runs.end()};
}

}  // namespace

TEST_CASE("every chunk runs exactly once, with any number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads scope(threads);
    for (int repeat = 0; repeat < 200; ++repeat)
      for (const std::int64_t chunks : {0, 1, 2, 7, 100})
        CHECK(runs_of(chunks) == std::vector<int>(static_cast<std::size_t>(chunks), 1));
  }
}

TEST_CASE("ranges cover everything in pieces of the grain") {
  std::vector<std::atomic<int>> seen(1003);
  parallel_ranges(1003, 100, [&](std::int64_t begin, std::int64_t end) {
    CHECK(begin % 100 == 0);
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  for (const auto& count : seen) CHECK(count == 1);
}

TEST_CASE("a thread that is held up loses the rest of its chunks to the others") {
  const Threads scope(2);
  for (const std::int64_t held : {0, 6}) {  // of the calling thread and of the other one
    std::atomic<int> others{0};
    parallel_for(10, [&](std::int64_t chunk) {
      if (chunk != held) ++others;
      while (chunk == held && others < 9) std::this_thread::yield();
    });
    CHECK(others == 9);
  }
}

TEST_CASE("a region inside a region, and one on another thread meanwhile, still run all of their chunks") {
  const Threads scope(3);
  std::atomic<int> inner{0};
  parallel_for(4, [&](std::int64_t) { parallel_for(5, [&](std::int64_t) { ++inner; }); });
  CHECK(inner == 20);
  std::vector<std::thread> others;
  std::atomic<int> total{0};
  for (int i = 0; i < 4; ++i)
    others.emplace_back([&] {
      for (int repeat = 0; repeat < 100; ++repeat) parallel_for(6, [&](std::int64_t) { ++total; });
    });
  for (std::thread& other : others) other.join();
  CHECK(total == 4 * 100 * 6);
}

TEST_CASE("an exception in a chunk reaches the caller, and the pool goes on working") {
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    CHECK_THROWS_AS(parallel_for(10,
                                 [](std::int64_t chunk) {
                                   if (chunk == 7) throw std::runtime_error("seven");
                                 }),
                    std::runtime_error);
    CHECK(runs_of(10) == std::vector<int>(10, 1));
  }
}

TEST_CASE("a number of threads below 1 is refused") {
  CHECK(test::message_of<ValueError>([] { set_num_threads(0); }) ==
        "set_num_threads: expected 1 or more threads, got 0");
}
