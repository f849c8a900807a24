#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera {

/// What the memory arena holds and has asked of the system, in bytes (calls and peaks since the process began).
struct MemoryStats {
  std::size_t in_use = 0;          ///< bytes in live tensors and scratch
  std::size_t peak_in_use = 0;     ///< the largest in_use so far
  std::size_t reserved = 0;        ///< bytes held from the system, live and cached
  std::uint64_t system_calls = 0;  ///< how often memory was asked of or given back to the system
};

MemoryStats memory_stats();

/// Makes peak_in_use count anew from the bytes now in use.
void reset_peak_memory();

/// Gives all cached memory that is not in use back to the system.
void release_cached();

/// Fills every new block with NaN (0xFF bytes) from now on, so that a read of memory nobody wrote shows; for tests.
void fill_new_blocks(bool on);

namespace arena {

/// A block of at least `bytes`, aligned to 64 bytes. Thread-safe. Throws std::bad_alloc when the system has none.
void* allocate(std::size_t bytes);
void release(void* block) noexcept;

}  // namespace arena
}  // namespace tessera
