#include <array>
#include <tessera/core/arena.hpp>
#include <tessera/core/kernels/scratch.hpp>

namespace tessera::kernels {
namespace {

struct Slot {
  ~Slot() {
    if (data) arena::release(data);
  }
  void* data = nullptr;
  std::size_t size = 0;
};

}  // namespace

void* scratch_bytes(int slot, std::size_t bytes) {
  thread_local std::array<Slot, 4> slots;
  Slot& mine = slots[static_cast<std::size_t>(slot)];
  if (mine.size < bytes) {
    if (mine.data) arena::release(mine.data);
    mine.data = nullptr;
    mine.data = arena::allocate(bytes);
    mine.size = bytes;
  }
  return mine.data;
}

}  // namespace tessera::kernels
