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
/// Address space that a region takes at once; memory only comes with its growth.
constexpr std::size_t region_size = std::size_t{64} << 30;

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

/// A piece of a region, in use or free; neighbours are linked so that free ones can be joined again.
struct Block {
  char* data;
  std::size_t size;
  bool free;
  Block* previous;
  Block* next;
  std::size_t missing = 0;  ///< bytes of a free block that went back to the system and come again when they are used
};

/// Best-fit over one region that grows by huge pages, free neighbours joined at once: a training step that repeats
/// finds every block it needs in what the step before it left, and free pieces of any origin can make a larger one.
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
    free_.insert(block);
    if (block->next && block->next->free) join(block, block->next);
    if (block->previous && block->previous->free) join(block->previous, block);
  }

  void release_cached() {
    const std::lock_guard lock(mutex_);
    give_back();
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
    Block* block = found == free_.end() ? grow(size) : *found;
    free_.erase(block);
    const std::size_t come_again = std::min(block->missing, size);
    stats_.reserved += come_again;
    if (block->size > size) {
      Block* rest = new Block{block->data + size, block->size - size, true, block, block->next};
      rest->missing = block->missing - come_again;
      if (rest->next) rest->next->previous = rest;
      if (block == last_) last_ = rest;
      block->next = rest;
      block->size = size;
      free_.insert(rest);
    }
    block->missing = 0;
    block->free = false;
    used_[block->data] = block;
    return block->data;
  }

  /// A free block of at least `size` at the end of the region, which grows; or of a new region where it cannot.
  Block* grow(std::size_t size) {
    const std::size_t there = last_ && last_->free ? last_->size : 0;
    std::size_t bytes = round_up(size - there, huge_page);
    if (bytes > static_cast<std::size_t>(region_end_ - top_)) {
      bytes = round_up(size, huge_page);
      open_region(bytes);
    }
    ++stats_.system_calls;
    if (mprotect(top_, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    stats_.reserved += bytes;
    Block* fresh = new Block{top_, bytes, true, last_, nullptr};
    top_ += bytes;
    if (last_) last_->next = fresh;
    last_ = fresh;
    free_.insert(fresh);
    return fresh->previous && fresh->previous->free ? join(fresh->previous, fresh) : fresh;
  }

  /// Address space without memory, of the usual size or, where that is more than the process may have, of less.
  void open_region(std::size_t least) {
    for (std::size_t bytes = std::max(region_size, least + huge_page);;
         bytes = std::max(bytes / 2, least + huge_page)) {
      void* data = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      ++stats_.system_calls;
      if (data == MAP_FAILED) {
        if (bytes == least + huge_page) throw std::bad_alloc();
        continue;
      }
      madvise(data, bytes, MADV_HUGEPAGE);
      region_end_ = static_cast<char*>(data) + bytes;
      top_ = reinterpret_cast<char*>(round_up(reinterpret_cast<std::size_t>(data), huge_page));
      last_ = nullptr;
      return;
    }
  }

  /// Takes `second`, free and right behind `first`, into `first`; both leave the set of free blocks, which gets
  /// `first`.
  Block* join(Block* first, Block* second) {
    free_.erase(first);
    free_.erase(second);
    first->size += second->size;
    first->missing += second->missing;
    first->next = second->next;
    if (first->next) first->next->previous = first;
    if (second == last_) last_ = first;
    delete second;
    free_.insert(first);
    return first;
  }

  /// Returns the whole huge pages of free blocks to the system; their addresses stay.
  void give_back() {
    for (Block* block : free_) {
      const auto begin = reinterpret_cast<std::size_t>(block->data), from = round_up(begin, huge_page);
      const std::size_t to = (begin + block->size) / huge_page * huge_page;
      if (to <= from || block->missing >= to - from) continue;
      madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
      ++stats_.system_calls;
      stats_.reserved -= to - from - block->missing;
      block->missing = to - from;
    }
  }

  std::mutex mutex_;
  std::set<Block*, BySize> free_;
  std::unordered_map<void*, Block*> used_;
  char *top_ = nullptr, *region_end_ = nullptr;  ///< where the region grows, and how far it can
  Block* last_ = nullptr;                        ///< the block before top_; older regions have an end of their own
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
