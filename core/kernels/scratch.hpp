#pragma once

#include <cstddef>
#include <cstdint>
#include <tessera/core/arena.hpp>

namespace tessera::kernels {

/// This thread's scratch memory number `slot` (0 to 3), at least `bytes` large and 64-byte aligned; kept for the next
/// call.
void* scratch_bytes(int slot, std::size_t bytes);

template <class T>
T* scratch(int slot, std::int64_t count) {
  return static_cast<T*>(scratch_bytes(slot, static_cast<std::size_t>(count) * sizeof(T)));
}

/// Arena memory for `count` elements that lives as long as this object; uninitialised.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::int64_t count) : data_(arena::allocate(static_cast<std::size_t>(count) * sizeof(T))) {}
  ~Buffer() { arena::release(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  void* data_;
};

}  // namespace tessera::kernels
