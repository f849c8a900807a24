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

}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

HWY_EXPORT(multiply_add_chains);

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

double status_megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == key + ":" && status >> kilobytes) return kilobytes / 1024;
  return 0;
}

}  // namespace bench
#endif
