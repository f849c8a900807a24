#include <cblas.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <tessera/core/error.hpp>
#include <tessera/core/parallel.hpp>
#include <thread>
#include <vector>

namespace tessera {
namespace {

/// How long a thread looks for new work before it sleeps: longer than the gap between two ops of a step, short enough
/// to leave the core to others.
constexpr auto spin_time = std::chrono::microseconds(30);

/// CPUs that the cgroup's quota pays for, rounded up; a large number where there is no quota.
int cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1 << 16;
  return std::max(1, static_cast<int>(std::stod(quota) / period + 0.999));
}

int default_threads() {
  cpu_set_t allowed;
  const int cpus = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  return std::max(1, std::min(cpus, cgroup_quota()));
}

/// One parallel_for. Each thread has a range of the chunks, the same one whenever there are as many: what it wrote in
/// one region is still in its caches in the next. Then it takes what is left of the other ranges, as threads may be
/// held up. Lives until the last thread has let go of it.
class Job {
 public:
  Job(std::int64_t chunks, int threads, detail::ChunkFunction function, void* context)
      : chunks_(chunks), function_(function), context_(context), ranges_(static_cast<std::size_t>(threads)) {
    for (std::int64_t i = 0; i < threads; ++i) {
      Range& range = ranges_[static_cast<std::size_t>(i)];
      range.next = chunks * i / threads;
      range.end = chunks * (i + 1) / threads;
    }
  }

  void work(std::size_t thread) {
    std::int64_t mine = 0;
    for (std::size_t i = 0; i < ranges_.size(); ++i) mine += work_through(ranges_[(thread + i) % ranges_.size()]);
    if (mine > 0 && done_.fetch_add(mine) + mine == chunks_) {
      finished = 1;
      finished.notify_all();
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  std::atomic<int> finished{0};  ///< 1 once every chunk is done; of the size that the system can wait on

 private:
  struct alignas(64) Range {  // of a cache line each: threads count in their own
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  /// How many chunks of the range were left for this thread.
  std::int64_t work_through(Range& range) {
    std::int64_t count = 0;
    // A look before the count: ranges that are done are not written to.
    while (range.next.load(std::memory_order_relaxed) < range.end) {
      const std::int64_t chunk = range.next.fetch_add(1);
      if (chunk >= range.end) break;
      try {
        function_(context_, chunk);
      } catch (...) {
        std::call_once(failed_, [&] { error_ = std::current_exception(); });
      }
      ++count;
    }
    return count;
  }

  std::int64_t chunks_;
  detail::ChunkFunction function_;
  void* context_;
  std::vector<Range> ranges_;  ///< one a thread
  std::atomic<std::int64_t> done_{0};
  std::once_flag failed_;
  std::exception_ptr error_{};
};

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Waits until `value` differs from `seen`: spins first, then sleeps.
template <class T>
void wait_for_change(const std::atomic<T>& value, T seen) {
  const auto deadline = std::chrono::steady_clock::now() + spin_time;
  while (value.load(std::memory_order_acquire) == seen) {
    if (std::chrono::steady_clock::now() < deadline) {
      for (int i = 0; i < 4; ++i) pause_briefly();
    } else {
      value.wait(seen, std::memory_order_acquire);
    }
  }
}

/// Asks for turns of a tenth of a millisecond within this thread's share of the processor, which stays what it is
/// (Linux 6.12 on; nothing happens elsewhere): beside busy processes the threads of a region wait less for each other.
void ask_for_short_turns() {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;  // nanoseconds
  } turns{};
  if (syscall(SYS_sched_getattr, 0, &turns, sizeof turns, 0) != 0 || turns.policy != SCHED_OTHER) return;
  turns.runtime = 100'000;
  syscall(SYS_sched_setattr, 0, &turns, 0);  // what an older system does not know stays as it is
#endif
}

thread_local bool inside_region = false;

class Pool {
 public:
  explicit Pool(int threads) {
    ask_for_short_turns();  // the calling thread, which works with the others; they inherit it
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(static_cast<std::size_t>(i)); });
  }

  ~Pool() {
    publish(nullptr);
    for (std::thread& worker : workers_) worker.join();
  }

  void run(const std::shared_ptr<Job>& job) {
    inside_region = true;
    publish(job);
    job->work(0);
    wait_for_change(job->finished, 0);
    inside_region = false;
  }

 private:
  void publish(std::shared_ptr<Job> job) {
    std::atomic_store(&job_, std::move(job));
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
  }

  void serve(std::size_t thread) {
    inside_region = true;
    for (std::uint32_t seen = 0;;) {
      wait_for_change(epoch_, seen);
      seen = epoch_.load(std::memory_order_acquire);
      const std::shared_ptr<Job> job = std::atomic_load(&job_);
      if (!job) return;
      job->work(thread);
    }
  }

  std::shared_ptr<Job> job_;
  std::atomic<std::uint32_t> epoch_{0};
  std::vector<std::thread> workers_;
};

/// The process's pool, made at the first use; the mutex is held by the thread whose region runs.
struct PoolHolder {
  std::mutex busy;
  std::atomic<int> threads{default_threads()};
  std::unique_ptr<Pool> pool;
};

PoolHolder& holder() {
  static PoolHolder instance;
  return instance;
}

/// OpenBLAS runs single-threaded inside our chunks.
void keep_blas_single_threaded() {
  static const bool once = (openblas_set_num_threads(1), true);
  (void)once;
}

}  // namespace

int num_threads() { return holder().threads; }

void set_num_threads(int count) {
  if (count < 1) raise<ValueError>("set_num_threads", "expected 1 or more threads, got {}", count);
  const std::lock_guard lock(holder().busy);
  if (count != holder().threads) holder().pool.reset();
  holder().threads = count;
}

void detail::run_chunks(std::int64_t chunks, ChunkFunction function, void* context) {
  keep_blas_single_threaded();
  PoolHolder& shared = holder();
  std::unique_lock lock(shared.busy, std::defer_lock);
  if (chunks > 1 && !inside_region && shared.threads > 1 && lock.try_lock()) {
    if (!shared.pool) shared.pool = std::make_unique<Pool>(shared.threads);
    const auto job = std::make_shared<Job>(chunks, shared.threads, function, context);
    shared.pool->run(job);
    return job->rethrow();
  }
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) function(context, chunk);
}

}  // namespace tessera
