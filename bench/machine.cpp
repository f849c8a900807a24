#include <tessera/core/kernels/simd.hpp>
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/machine.cpp"
#include <hwy/foreach_target.h>
// Highway's headers must follow foreach_target.
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <tessera/core/parallel.hpp>
#include <tessera/core/simd_target.hpp>
#include <vector>

#include "machine.hpp"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Runs `rounds` of independent chains of multiply-adds; returns how many operations that was.
double multiply_add_chains(std::int64_t rounds, float* sink) {
  constexpr int chains = 12;  // latency times throughput of today's cores is at most 10
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F), addend = hn::Set(d, 0.001F);
  hn::Vec<decltype(d)> sums[chains];
  // Each from another number: the compiler would make one of equal chains.
  TESSERA_UNROLL for (int chain = 0; chain < chains; ++chain) sums[chain] =
      hn::Set(d, sink[0] + static_cast<float>(chain));
  for (std::int64_t i = 0; i < rounds; ++i) {
    TESSERA_UNROLL for (auto& sum : sums) sum = hn::MulAdd(sum, factor, addend);
  }
  auto total = sums[0];
  TESSERA_UNROLL for (const auto& sum : sums) total = hn::Add(total, sum);
  sink[0] = hn::GetLane(total);
  return 2.0 * chains * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

/// Stores the sums of what it reads, in stretches that stay in the L1 cache.
void move(const float* read, std::int64_t reads, float* written, std::int64_t writes) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t stretches = std::max<std::int64_t>((reads + writes) / 1024, 1);
  hn::Vec<decltype(d)> sums[4];
  TESSERA_UNROLL for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t i = 0; i < stretches; ++i) {
    std::int64_t at = reads * i / stretches;
    for (const std::int64_t end = reads * (i + 1) / stretches; at + 4 * lanes <= end; at += 4 * lanes) {
      TESSERA_UNROLL for (int s = 0; s < 4; ++s) sums[s] = hn::Add(sums[s], hn::LoadU(d, read + at + s * lanes));
    }
    std::int64_t to = writes * i / stretches;
    for (const std::int64_t end = writes * (i + 1) / stretches; to + lanes <= end; to += lanes)
      hn::StoreU(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])), d, written + to);
  }
  // For the compiler, what was read must count.
  volatile float sink = hn::GetLane(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
  (void)sink;
}

}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

HWY_EXPORT(multiply_add_chains);
HWY_EXPORT(move);

void add_machine_options(CLI::App& app) {
  app.add_option_function<int>("--threads", tessera::set_num_threads, "Threads; all processors by default")
      ->check(CLI::PositiveNumber);
  app.add_option_function<std::string>("--simd", tessera::set_simd_target, "Instruction set; the best by default")
      ->check(CLI::IsMember(tessera::simd_targets()));
}

double peak_gigaflops() {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t rounds = 2'000'000, line = 16;
  const int threads = tessera::num_threads();
  std::vector<double> done(static_cast<std::size_t>(threads));
  std::vector<float> sinks(static_cast<std::size_t>(threads * line), 1.0F);
  double best = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto start = Clock::now();
    tessera::parallel_for(threads, [&](std::int64_t thread) {
      const auto t = static_cast<std::size_t>(thread);
      done[t] = HWY_DYNAMIC_DISPATCH(multiply_add_chains)(rounds, &sinks[t * line]);
    });
    const double nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    double all = 0;
    for (const double operations : done) all += operations;
    best = std::max(best, all / nanoseconds);
  }
  return best;
}

void move_numbers(std::span<const float> read, std::span<float> written) {
  constexpr std::int64_t parts = 16;
  const auto reads = static_cast<std::int64_t>(read.size()), writes = static_cast<std::int64_t>(written.size());
  tessera::parallel_for(parts, [&](std::int64_t part) {
    const std::int64_t from = reads * part / parts, to = writes * part / parts;
    HWY_DYNAMIC_DISPATCH(move)
    (read.data() + from, reads * (part + 1) / parts - from, written.data() + to, writes * (part + 1) / parts - to);
  });
}

double status_megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == key + ":" && status >> kilobytes) return kilobytes / 1024;
  return 0;
}

}  // namespace bench
#endif
