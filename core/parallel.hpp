#pragma once

#include <cstdint>
#include <type_traits>

namespace tessera {

/// How many threads parallel_for uses. At first the smaller of the CPUs this process may run on and its cgroup quota.
int num_threads();

/// Sets the number of threads, from 1 up; ValueError otherwise. Results never depend on it.
///
/// With more than one, the first region asks Linux (6.12 on) for short turns of the calling thread and of its workers:
/// its share of the processor stays the same, and beside busy processes regions wait less for each other's threads.
void set_num_threads(int count);

namespace detail {

using ChunkFunction = void (*)(void* context, std::int64_t chunk);
void run_chunks(std::int64_t chunks, ChunkFunction function, void* context);

}  // namespace detail

/// Calls `body(chunk)` for every chunk from 0 to chunks - 1, on all threads, and returns when all are done.
///
/// Chunks must write to places of their own; which thread runs which is not determined. A call from inside a body, or
/// while another thread uses the pool, runs its chunks in order on the calling thread. The first exception is rethrown.
template <class Body>
void parallel_for(std::int64_t chunks, Body&& body) {
  using Callable = std::remove_reference_t<Body>;
  detail::run_chunks(
      chunks, [](void* context, std::int64_t chunk) { (*static_cast<Callable*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// Calls `body(begin, end)` over 0..count cut into pieces of `grain` items: the pieces depend on these two numbers
/// alone.
template <class Body>
void parallel_ranges(std::int64_t count, std::int64_t grain, Body&& body) {
  const std::int64_t chunks = (count + grain - 1) / grain;
  parallel_for(chunks, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * grain;
    body(begin, begin + grain < count ? begin + grain : count);
  });
}

/// Items a chunk of cheap elementwise work should have: large enough to outweigh the hand-over to another thread.
inline constexpr std::int64_t elementwise_grain = 16384;

}  // namespace tessera
