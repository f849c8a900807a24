#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <tessera/core/arena.hpp>
#include <unordered_map>

#if defined(__SANITIZE_ADDRESS__)
#define TESSERA_PLAIN_ALLOCATION 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TESSERA_PLAIN_ALLOCATION 1
#endif
#endif

namespace tessera {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
/// Segments are asked of the system in multiples of this; larger requests get a segment of their own size.
constexpr std::size_t segment_size = 8 * huge_page;

std::size_t round_up(std::size_t bytes, std::size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

/// True where every block shall be a plain allocation: under AddressSanitizer, and with TESSERA_ARENA=off.
bool plain_allocation() {
#ifdef TESSERA_PLAIN_ALLOCATION
  return true;
#else
  static const bool off = [] {
    const char* setting = std::getenv("TESSERA_ARENA");
    return setting != nullptr && std::strcmp(setting, "off") == 0;
  }();
  return off;
#endif
}

/// A piece of a segment, in use or free; neighbours are linked so that free ones can be joined again.
struct Block {
  char* data;
  std::size_t size;
  bool free;
  Block* previous;
  Block* next;
};

/// Best-fit over segments of huge pages, free neighbours joined at once: a training step that repeats finds every block
/// it needs in what the step before it left.
class Arena {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t size = std::max(alignment, round_up(bytes, alignment));
    const std::lock_guard lock(mutex_);
    void* data = plain_allocation() ? plain_block(size) : arena_block(size);
    if (fill_) std::memset(data, 0xFF, size);
    stats_.in_use += size;
    stats_.peak_in_use = std::max(stats_.peak_in_use, stats_.in_use);
    return data;
  }

  void release(void* data) {
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(data);
    Block* block = found->second;
    used_.erase(found);
    stats_.in_use -= block->size;
    if (plain_allocation()) {
      stats_.reserved -= block->size;
      std::free(data);
      delete block;
      return;
    }
    block->free = true;
    if (block->next && block->next->free) join(block, block->next);
    if (block->previous && block->previous->free) {
      block = block->previous;
      join(block, block->next);
    }
    free_.insert(block);
  }

  void release_cached() {
    const std::lock_guard lock(mutex_);
    give_back(0);
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    stats_.peak_in_use = stats_.in_use;
  }

  void fill_new_blocks(bool on) {
    const std::lock_guard lock(mutex_);
    fill_ = on;
  }

 private:
  struct BySize {
    bool operator()(const Block* a, const Block* b) const {
      return a->size != b->size ? a->size < b->size : a->data < b->data;
    }
  };

  void* plain_block(std::size_t size) {
    void* data = std::aligned_alloc(alignment, size);
    if (!data) throw std::bad_alloc();
    stats_.reserved += size;
    used_[data] = new Block{static_cast<char*>(data), size, false, nullptr, nullptr};
    return data;
  }

  void* arena_block(std::size_t size) {
    Block wanted{nullptr, size, true, nullptr, nullptr};
    auto found = free_.lower_bound(&wanted);
    if (found == free_.end()) found = free_.insert(new_segment(size)).first;
    Block* block = *found;
    free_.erase(found);
    if (block->size > size) {
      Block* rest = new Block{block->data + size, block->size - size, true, block, block->next};
      if (rest->next) rest->next->previous = rest;
      block->next = rest;
      block->size = size;
      free_.insert(rest);
    }
    block->free = false;
    used_[block->data] = block;
    return block->data;
  }

  Block* new_segment(std::size_t size) {
    const std::size_t bytes = round_up(size, size < segment_size ? segment_size : huge_page);
    // What is kept beyond the live blocks must not grow past a quarter of the peak.
    const std::size_t limit = std::max(stats_.peak_in_use, stats_.in_use + size) / 4 * 5;
    if (stats_.reserved + bytes > limit) give_back(stats_.reserved + bytes - limit);
    void* data = mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ++stats_.system_calls;
    if (data == MAP_FAILED) throw std::bad_alloc();
    char* begin = static_cast<char*>(data);
    char* aligned = reinterpret_cast<char*>(round_up(reinterpret_cast<std::size_t>(begin), huge_page));
    if (aligned != begin) munmap(begin, static_cast<std::size_t>(aligned - begin));
    munmap(aligned + bytes, static_cast<std::size_t>(begin + huge_page - aligned));
    madvise(aligned, bytes, MADV_HUGEPAGE);
    stats_.reserved += bytes;
    return new Block{aligned, bytes, true, nullptr, nullptr};
  }

  /// Takes `second`, free and right behind `first`, into `first`; both leave the set of free blocks.
  void join(Block* first, Block* second) {
    free_.erase(first);
    free_.erase(second);
    first->size += second->size;
    first->next = second->next;
    if (first->next) first->next->previous = first;
    delete second;
  }

  /// Returns wholly free segments to the system, the largest first, until `enough` bytes are back (0: all of them).
  void give_back(std::size_t enough) {
    std::size_t returned = 0;
    for (auto it = free_.end(); it != free_.begin() && (enough == 0 || returned < enough);) {
      Block* block = *--it;
      if (block->previous || block->next) continue;
      it = free_.erase(it);
      munmap(block->data, block->size);
      ++stats_.system_calls;
      stats_.reserved -= block->size;
      returned += block->size;
      delete block;
    }
  }

  std::mutex mutex_;
  std::set<Block*, BySize> free_;
  std::unordered_map<void*, Block*> used_;
  MemoryStats stats_;
  bool fill_ = false;
};

/// Never destroyed: tensors of static lifetime may outlive every other object.
Arena& the_arena() {
  static Arena* const arena = new Arena;
  return *arena;
}

}  // namespace

MemoryStats memory_stats() { return the_arena().stats(); }
void reset_peak_memory() { the_arena().reset_peak(); }
void release_cached() { the_arena().release_cached(); }
void fill_new_blocks(bool on) { the_arena().fill_new_blocks(on); }

void* arena::allocate(std::size_t bytes) { return the_arena().allocate(bytes); }
void arena::release(void* block) noexcept { the_arena().release(block); }

}  // namespace tessera
